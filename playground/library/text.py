"""Validation of text from users, and quoting of values in error messages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeGuard

MAX_TEXT = 1_000_000
"""Characters of one field; far above any real one, and low enough that no file grows without bound."""

_SHOWN = 60
_SENTENCE = 300


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is text of at most MAX_TEXT characters that UTF-8 can hold.

    A lone surrogate is a str to Python and nothing to UTF-8: let in, it would fail later, on the page or on disk.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object) -> str:
    """A value quoted for an error message: in ASCII, on one line, truncated."""
    # Cut before repr as well: the repr of a huge text or list would cost more than the message is worth.
    text = ascii(value[:_SHOWN] if isinstance(value, str | list | tuple) else value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def quoted(name: str) -> str:
    """A name as it stands in a sentence; cut in its middle where it is long."""
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN // 2]}…{name[-_SHOWN // 2 :]}"


def shortened(sentence: str) -> str:
    """A sentence as part of another one: on one line, cut where it quotes much."""
    text = "".join(character if character.isprintable() else " " for character in sentence[: _SENTENCE + 1])
    return text if len(text) <= _SENTENCE else text[: _SENTENCE - 1] + "…"


def reason(error: OSError) -> str:
    """The operating system's message for an error, without number and path."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def span(least: float, most: float = math.inf, above: bool = False) -> str:
    """Bounds of a number for a sentence: "from 1 to 64", "above 0", "of 0 or more"."""
    if least == -math.inf:
        return "that is a finite number"
    low, high = (str(one) if isinstance(one, int) else f"{one:g}" for one in (least, most))
    if most < math.inf:
        return f"above {low} and up to {high}" if above else f"from {low} to {high}"
    return f"above {low}" if above else f"of {low} or more"


def listed(words: Iterable[str]) -> str:
    """Words for a sentence: "a, b or c"."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
