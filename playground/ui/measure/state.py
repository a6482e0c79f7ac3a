"""Session state of the Measure tab: the measurement shown, its chosen point, and the one drawn beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from playground.analyses.common.labels import Labels
from playground.analyses.common.result import Measurement
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.next_token.run import Shifts
from playground.errors import InputError
from playground.ui.kit.visitor import Slice
from playground.ui.measure.leaderboard import Entry

Drawable = ScalesResult | Shifts
"""A measurement that the tab draws: vectors over scales, or one mix over multiples of it."""
D = TypeVar("D", ScalesResult, Shifts)


def drawable(result: Measurement) -> Drawable:
    """The measurement, where it is one that the tab draws. Raises InputError where it is not."""
    if isinstance(result, ScalesResult | Shifts):
        return result
    raise InputError(f"Expected vectors over scales or a mix, got {result.analysis.label}; open another measurement.")


@dataclass(frozen=True)
class Look:
    """A point of a measurement: curve by name, place of a scale on it, and an item by its number in the set."""

    name: str
    place: int
    item: int | None = None


@dataclass
class MeasureState(Slice):
    """`result` was measured, or taken from a file; `before` is the kept measurement drawn beside it."""

    result: Drawable | None = None
    before: Drawable | None = None
    labels: Labels | None = None
    """The labels of the vectors of both when they were last drawn."""
    look: Look | None = None
    file: str = ""
    """The measurement's file, written to be downloaded."""
    board: tuple[Entry, ...] = ()
    """Entries of the leaderboard."""

    def beside(self, result: D) -> D | None:
        """The measurement drawn beside `result`, which is of its class; None for none."""
        return self.before if isinstance(self.before, type(result)) else None
