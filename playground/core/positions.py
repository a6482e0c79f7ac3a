"""Positions: at which tokens of a sequence something is added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from playground.errors import InputError

Positions = str
POSITIONS: tuple[Positions, ...] = ("all", "prompt", "last", "generated")
"""All tokens, the prompt's, the prompt's last one, the generated ones. `first-N` are the first N generated ones."""
FIRST = r"first-([1-9]\d{0,5})"
"""A pattern of the fifth kind."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Window:
    """Tokens by their number after the prompt's last one, which is 0: from `first` to `last`, None for no bound."""

    first: int | None
    last: int | None

    @property
    def everywhere(self) -> bool:
        return self.first is None and self.last is None

    @property
    def reaches_prompt(self) -> bool:
        """Whether a token of the prompt is in it: what is read of a prompt alone then knows of it."""
        return self.first is None or self.first <= 0

    def places(self, prompt_length: int, start: int, length: int) -> tuple[int, int]:
        """Of a pass over the places from `start` on, `length` of them, the first that is in it and the one after the
        last, counted from `start`; the same twice where none is.
        """
        first = 0 if self.first is None else prompt_length - 1 + self.first - start
        end = length if self.last is None else prompt_length + self.last - start
        first, end = max(first, 0), min(end, length)
        return (first, end) if first < end else (0, 0)

    def holds(self, numbers: _T) -> _T:
        """Which of `numbers`, a tensor of whole numbers counted as above, are in it: a tensor of bool."""
        inside = numbers == numbers
        if self.first is not None:
            inside &= numbers >= self.first  # type: ignore[operator]
        if self.last is not None:
            inside &= numbers <= self.last  # type: ignore[operator]
        return inside  # type: ignore[return-value]


_WINDOWS = {"all": Window(None, None), "prompt": Window(None, 0), "last": Window(0, 0), "generated": Window(1, None)}


NAMES = f"{', '.join(POSITIONS)} or first-N (the first N generated tokens)"
"""For error messages."""


def window(positions: object) -> Window:
    """The window of one of POSITIONS, or of `first-N`. Raises InputError for anything else."""
    found = _window(positions)
    if found is not None:
        return found
    raise InputError(f"Expected positions {NAMES}, got {positions!r}; choose one of them.")


def check_positions(positions: object) -> None:
    """Raises InputError unless `positions` is one of POSITIONS, or first-N."""
    window(positions)


def is_positions(positions: object) -> bool:
    """Whether it is one of POSITIONS, or first-N."""
    return _window(positions) is not None


def _window(positions: object) -> Window | None:
    if not isinstance(positions, str):
        return None
    count = re.fullmatch(FIRST, positions, re.ASCII)
    return _WINDOWS.get(positions) if count is None else Window(1, int(count[1]))


def said(positions: Positions) -> str:
    """In words: "all tokens", "the last prompt token"."""
    if positions in POSITIONS:
        names = {"all": "all tokens", "last": "the last prompt token", "prompt": "prompt tokens"}
        return names.get(positions, f"{positions} tokens")
    count = window(positions).last
    return "the first generated token" if count == 1 else f"the first {count} generated tokens"
