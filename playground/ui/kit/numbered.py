"""Words of the browser, numbered as it says them: two that are sent at once may reach the server in either order."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

NEXT_JS = "(window.spWords = (window.spWords ?? 0) + 1)"
"""The number of the next word, in the browser."""


@dataclass
class Newest:
    """The number of the last word about each thing. An earlier one that comes in later counts no more."""

    numbers: dict[Hashable, int] = field(default_factory=dict)

    def takes(self, about: Hashable, number: int) -> bool:
        """Whether nothing later was said about it; then this is the last word."""
        newest = number > self.numbers.get(about, 0)
        if newest:
            self.numbers[about] = number
        return newest
