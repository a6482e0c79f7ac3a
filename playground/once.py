"""Logging of what holds for a whole run: every message once."""

from __future__ import annotations

import functools
import logging


@functools.cache
def log_once(log: logging.Logger, level: int, message: str, *words: str) -> None:
    """Log a message with these words the first time that it comes up."""
    log.log(level, message, *words)
