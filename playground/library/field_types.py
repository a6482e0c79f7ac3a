"""Run-time check of dataclasses against their annotations, for values out of files."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from playground.library.text import is_text

MOST_NUMBER = 1e300
"""Larger numbers overflow where they are squared or summed."""
MOST_WHOLE = 2**63


def check_fields(made: Any) -> None:
    """Raises ValueError that names the first field, at any depth, whose value is not of the type that it is annotated
    with. Whole numbers count as numbers, true and false do not; NaN does, infinity does not; text must be text that
    UTF-8 can hold.
    """
    wrong = _wrong(made, type(made), "")
    if wrong is not None:
        raise ValueError(f"another kind of value in {wrong}")


def _wrong(value: Any, hint: Any, name: str) -> str | None:
    """The name of the first field that is wrong in a value annotated with `hint`; None when it is right."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, tuple):
        return _wrong_tuple(value, inner, name)
    if origin in (Union, types.UnionType):
        places = [_wrong(value, one, name) for one in inner]
        # The longest name is that of the alternative whose kind is right.
        return None if None in places else max((place for place in places if place is not None), key=len)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        entries = ((each, part) for pair in value.items() for each, part in zip(pair, inner, strict=True))
        return next((wrong for each, part in entries if (wrong := _wrong(each, part, name))), None)
    if is_dataclass(value) and (hint is Any or (isinstance(hint, type) and isinstance(value, hint))):
        hints = _hints(value.__class__)
        parts = ((getattr(value, part.name), hints[part.name], part.name) for part in fields(value))
        return next((f"{name}.{wrong}".lstrip(".") for part in parts if (wrong := _wrong(*part))), None)
    return None if _is_plain(value, hint) else name


def _wrong_tuple(value: tuple[Any, ...], inner: tuple[Any, ...], name: str) -> str | None:
    if inner[1:] == (...,):
        if inner[0] is float:  # rows of numbers, of which there are millions
            return None if all(map(_is_number, value)) else name
        return next((wrong for each in value if (wrong := _wrong(each, inner[0], name))), None)
    if len(value) != len(inner):
        return name
    return next((wrong for each, part in zip(value, inner, strict=True) if (wrong := _wrong(each, part, name))), None)


def _is_plain(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return any(type(value) is type(one) and value == one for one in get_args(hint))
    if hint is float:
        return _is_number(value)
    if hint is int:
        return type(value) is int and abs(value) < MOST_WHOLE
    if hint is str:
        return is_text(value)
    if hint is bool or hint is type(None):
        return type(value) is hint
    return hint is Any


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and (abs(value) < MOST_NUMBER or value != value)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
