"""Numeric answers: parsing them from files and from texts that a model wrote.

The rule, everywhere: a text answers with the last number in it. Numbers are whole or decimal, with a point; commas
between groups of three digits are left out (4,215 is 4215), and a minus sign counts where no digit or letter stands
right before it (so 9-4 ends in 4, and = -4 in −4). Numbers are compared as decimals, so that 85 and 85.0 are equal.
"""

from __future__ import annotations

import re
from decimal import Decimal

from playground.errors import InputError
from playground.library.text import shown

MAX_DIGITS = 30
"""Longer runs of digits are noise of a steered model, not an answer."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_IN_TEXT = re.compile(rf"((?<!\w)[-−])?({_NUMBER})", re.ASCII)
_LAST_WORD = re.compile(rf"(?:.*(?:####|\s))?([-−+]?)({_NUMBER})", re.ASCII | re.DOTALL)


def last_number(text: str) -> Decimal | None:
    """The last number in a text, None where there is none."""
    found = _IN_TEXT.findall(text)
    return _decimal(*found[-1]) if found else None


def answer_number(answer: object) -> Decimal | None:
    """The number that an answer in a file stands for: a number, or a text whose last word is one (as “#### 72” in
    public sets of word problems). None for any other value. Raises InputError for a number that is not finite.
    """
    if isinstance(answer, bool):
        return None
    if isinstance(answer, int | float):
        number = Decimal(str(answer))
        if not number.is_finite():
            raise InputError(f"Expected an answer that is a finite number, got {shown(answer)}; mend the item.")
        return number
    if not isinstance(answer, str):
        return None
    last = _LAST_WORD.fullmatch(answer.strip())
    return _decimal(*last.groups()) if last else None


def written(number: Decimal) -> str:
    """A number as it is kept and shown: without exponent, and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(sign: str, digits: str) -> Decimal | None:
    digits = digits.replace(",", "")
    if len(digits) > MAX_DIGITS:
        return None
    number = Decimal(digits)
    return -number if sign in ("-", "−") and number else number
