"""Python values as JSON values and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Tuples as lists, mappings as dictionaries, numbers that are not finite as None, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return {key: plain(entry) for key, entry in value.items()} if isinstance(value, Mapping) else value


def tuples(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(tuples(entry) for entry in value) if isinstance(value, list) else value
