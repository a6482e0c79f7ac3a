"""Time to go of a run, from the share that is done: one mechanism for all progress events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

RISE = 1.5
"""How much a time to go may rise above the least one told before, without the word that it is longer than it was."""
SHORT = 1.0
"""Seconds below which no time is told from another one."""
ENOUGH, FEW = 5, 3
"""Advances before there is a pace, the two of the warm-up among them; as few as FEW once _MUCH of the work is done."""
_MUCH = 1 / 3
_SMOOTH = 0.2
"""Share of the time to go over which a new pace takes over."""
_PATIENCE = 0.1
"""Share of the time so far (and SHORT at least) for which a rise must last before it is told: a machine has hiccups."""


@dataclass(frozen=True)
class Left:
    """Seconds to go; None before there is a pace. `longer`: more than RISE times what was told before."""

    seconds: float | None = None
    longer: bool = False


class TimeToGo:
    """Estimate of the time to go, asked with the share of the work (0 to 1, never falling) at every event.

    The pace is that of the later half of what is done, so that a change of pace is followed. What comes before the
    first share above 0 and between it and the second one is warm-up and left out. The estimate counts down between
    events and moves towards the new one over a part of the time to go. It exceeds RISE times the least one before only
    when that lasts, and then says so. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun = clock()
        self._done: list[tuple[float, float]] = []  # (time, share) at every advance, from the first share above 0
        self._told: float | None = None
        self._told_at = 0.0
        self._least = math.inf
        self._over_since: float | None = None

    def at(self, share: float) -> Left:
        """The time to go when `share` is done."""
        now = self._clock()
        if share > (self._done[-1][1] if self._done else 0.0):
            self._done.append((now, share))
        if share >= 1:
            return Left(0.0)
        pace = self._pace(now)
        if pace is None:
            return Left()
        ahead = pace * (1 - share)
        if self._told is None:
            smooth = ahead
        else:
            passed = now - self._told_at
            counted = max(self._told - passed, 0.0)
            smooth = counted + (ahead - counted) * (1 - math.exp(-passed / (_SMOOTH * max(ahead, SHORT))))
        return self._tell(smooth, now)

    def _pace(self, now: float) -> float | None:
        """Seconds for all of the work, at the pace of the later half of what is done after the warm-up."""
        if len(self._done) < (FEW if self._done and self._done[-1][1] >= _MUCH else ENOUGH):
            return None
        half = (self._done[1][1] + self._done[-1][1]) / 2
        begun, share = next(point for point in reversed(self._done[1:-1]) if point[1] <= half)
        # A silence that is longer than the pace explains is part of it: so a stall is seen before it ends.
        last, done = self._done[-1]
        pace = (last - begun) / (done - share)
        return max(pace, (now - begun) / (done - share + (done - self._done[-2][1])))

    def _tell(self, smooth: float, now: float) -> Left:
        most = RISE * max(self._least, SHORT)
        if smooth <= most:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = now
        patience = max(_PATIENCE * (now - self._begun), SHORT)
        longer = self._over_since is not None and now - self._over_since >= patience
        shown = smooth if longer else min(smooth, most)
        # What is told counts down by itself; what is smoothed goes on from what was estimated, not from what was told.
        self._told, self._told_at, self._least = smooth, now, min(self._least, shown)
        return Left(shown, longer)
