"""Session state of the Measure tab: the measurement that is shown, what is looked at, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playground.analyses.common.labels import Labels
from playground.ui.kit.visitor import Slice


@dataclass(frozen=True)
class Look:
    """A point of a measurement: curve by name, place of a scale on it, and an item by its number in the set."""

    name: str
    place: int
    item: int | None = None


@dataclass
class MeasureState(Slice):
    """`result` was measured, or taken from a file; `before` is the kept measurement drawn beside it."""

    result: Any = None
    before: Any = None
    labels: Labels | None = None
    """What the vectors of both were called when they were drawn last."""
    look: Look | None = None
    file: str = ""
    """The measurement's file, written to be downloaded."""
    undo: list[str] = field(default_factory=list)
    """Tokens of measurements that were deleted, newest last."""
    board: tuple[Any, ...] = ()
    """Entries of the leaderboard."""
