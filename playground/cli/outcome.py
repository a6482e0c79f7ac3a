"""Result of a command, and checks of the files that it may write."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """Result of a command: `data` is printed with --json, `text` without; `interrupted`: Ctrl-C ended it early."""

    data: dict[str, Any]
    text: str
    interrupted: bool = False


def check_out(path: Path, example: str) -> None:
    """Raises InputError, before anything is computed, for a path that cannot be written; `example` is a file name."""
    if path.is_dir():
        raise InputError(f"Expected a file after --out, got the folder {path}; add a name such as {example}.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"Expected a place that can be written to after --out, got {path}; choose another.")
