"""Conversion of values from the browser to numbers; a browser may send anything."""

from __future__ import annotations

import math
from typing import SupportsFloat

from playground.errors import InputError
from playground.library.text import shown


def whole(value: object, what: str, least: int | None = None) -> int:
    """`value` as a whole number. Raises InputError when it is none, or less than `least`."""
    number = real(value, what)
    if number != int(number) or (least is not None and number < least):
        span = "" if least is None else f" from {least}"
        raise InputError(f"Expected a whole number{span} for {what}, got {shown(value)}; change it.")
    return int(number)


def real(value: object, what: str) -> float:
    """`value` as a finite number. Raises InputError when it is none."""
    try:
        if not isinstance(value, str | SupportsFloat) or isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"Expected a number for {what}, got {shown(value)}; write one.") from None
    if not math.isfinite(number):
        raise InputError(f"Expected a finite number for {what}, got {shown(value)}; write one like 0.5.")
    return number


def real_or_none(value: object, what: str) -> float | None:
    """`value` as a finite number, None where the field was left empty. Raises InputError as `real` does."""
    return None if value is None or not str(value).strip() else real(value, what)


def whole_or_none(value: object, what: str, least: int | None = None) -> int | None:
    """`value` as a whole number, None where the field was left empty. Raises InputError as `whole` does."""
    return None if value is None or not str(value).strip() else whole(value, what, least)


def optional(value: float | None) -> str:
    """The text of an optional number, "" for None. Such fields are text boxes: gr.Number shows None as 0."""
    return "" if value is None else f"{value:g}"
