"""Strict parsing of untrusted JSON: values outside of the standard and deep nesting are refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_DEPTH = 64
"""Deeper than any real file; values beyond it cannot be written again without exhausting the stack."""


MOST_VALUES = 2_000_000
"""Values of one text, commas and brackets in texts counted too. A reader of many numbers may allow more."""
MOST_CONTAINERS = 1_000_000
"""Lists and objects of one text: a million take a second and twenty times their size."""


def parse_json(text: str, most_values: int = MOST_VALUES) -> Any:
    """The value a JSON text holds.

    Raises ValueError with a few words, line and column included where they are known, for anything that is not JSON
    (NaN and Infinity too), for nesting beyond MAX_DEPTH, and before it is parsed for more than `most_values` values.
    """
    containers = text.count("[") + text.count("{")
    if containers > MOST_CONTAINERS:
        raise ValueError(f"more than {MOST_CONTAINERS} lists and objects")
    if containers + text.count(",") > most_values:
        raise ValueError(f"more than {most_values} values")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()} at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:
        if "int_max_str_digits" in str(error):  # Python's words are about Python
            raise ValueError("a whole number of thousands of digits") from error
        raise
    except RecursionError as error:
        raise ValueError("nesting without end") from error
    if not _is_shallow(value, MAX_DEPTH):
        raise ValueError(f"nesting deeper than {MAX_DEPTH} levels")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"the value {name}, which is not JSON")


def _is_shallow(value: Any, depth: int) -> bool:
    """Whether lists and objects nest at most that deep, looked at level by level."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return True
    return not level
