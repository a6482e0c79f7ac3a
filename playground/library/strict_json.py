"""Strict parsing of untrusted JSON: values outside of the standard and deep nesting are refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_DEPTH = 64
"""Deeper than any real file; values beyond it cannot be written again without exhausting the stack."""


def parse_json(text: str) -> Any:
    """The value a JSON text holds.

    Raises ValueError with a few words, line and column included where they are known, for anything that is not JSON
    (NaN and Infinity too) and for nesting beyond MAX_DEPTH.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("nesting without end") from error
    if not _is_shallow(value, MAX_DEPTH):
        raise ValueError(f"nesting deeper than {MAX_DEPTH} levels")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"the value {name}, which is not JSON")


def _is_shallow(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in value)
