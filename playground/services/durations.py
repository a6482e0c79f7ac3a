"""Words for times: an estimate as a range, and the time to go. Page and command line use the same."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Protocol

_STEPS = (1.0, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
"""Numbers that bounds of a range are rounded to."""
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
"""Units and their seconds."""


@dataclass(frozen=True)
class Span:
    """A range of seconds that a run is expected to take. As text it is rounded outwards: “about 3–8 s”."""

    low: float
    high: float

    @property
    def told(self) -> tuple[float, float]:
        """The bounds in seconds as the text tells them; 0 below a second."""
        low, smaller, high, larger = self._rounded()
        return low * _UNITS[smaller], high * _UNITS[larger]

    def __str__(self) -> str:
        low, smaller, high, larger = self._rounded()
        if low == 0:
            return "under a second" if high == 1 else f"under {high:g} {larger}"
        if smaller != larger:
            return f"about {low:g} {smaller} – {high:g} {larger}"
        return f"about {low:g}–{high:g} {larger}" if low < high else f"about {high:g} {larger}"

    def _rounded(self) -> tuple[float, str, float, str]:
        """Each bound as a number, and its unit."""
        larger = _unit(self.high)
        # Both in one unit, where the lower one is not below 1 of it.
        smaller = larger if self.low >= _UNITS[larger] else _unit(self.low)
        below = bisect.bisect_right(_STEPS, self.low / _UNITS[smaller])
        above = bisect.bisect_left(_STEPS, self.high / _UNITS[larger])
        high = _STEPS[above] if above < len(_STEPS) else math.ceil(self.high / _UNITS[larger])
        return _STEPS[below - 1] if below else 0, smaller, high, larger


def _unit(seconds: float) -> str:
    """The unit in which a bound of so many seconds is told."""
    return next((name for name, size in _UNITS.items() if seconds <= _STEPS[-1] * size), "h")


def duration(seconds: float) -> str:
    """One time: “under a second”, “12 s”, “3 min”, “2.5 h”."""
    if seconds < 1:
        return "under a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Progress(Protocol):
    """What progress events have."""

    @property
    def seconds_to_go(self) -> float | None: ...

    @property
    def longer(self) -> bool: ...


def to_go(event: Progress, before: str = " · ") -> str:
    """The time to go of an event as text, after `before`; empty before it can be judged and at the end."""
    left = event.seconds_to_go
    if not left:
        return ""
    about = "under a second" if left < 1 else f"about {duration(left)}"
    return f"{before}{about} to go" + (", longer than it looked" if event.longer else "")
