"""Undo and redo of a mix: a bounded list of its states, each step one change of the visitor's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from playground.ui.kit.mix import MixRow

MOST = 100
"""Steps kept; a state is a few short texts and numbers."""
TOGETHER = 1.0
"""Seconds between two changes of one row that count as one step: a drag of a slider is many of them."""

State = tuple[tuple[tuple[int, MixRow], ...], bool]
"""Rows by slot, and whether their scales are norms."""


@dataclass
class History:
    """States before and after the present one. `clock` gives seconds."""

    past: list[State] = field(default_factory=list)
    future: list[State] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    _row: int | None = None
    _changed: float = 0.0
    _future: list[State] = field(default_factory=list)

    def changed(self, before: State, after: State, row: int | None = None) -> None:
        """Record a change. Changes of the same `row` in quick succession are one step, and none at all when the last
        of them restores the first state: a redraw of the page is echoed by its controls one after another.
        """
        if before == after:
            return
        now = self.clock()
        if row is not None and row == self._row and now - self._changed < TOGETHER:
            self._changed = now
            if self.past and self.past[-1] == after:
                self.past.pop()
                self.future, self._row = self._future, None
            return
        self.past.append(before)
        del self.past[:-MOST]
        self._future, self.future = self.future, []
        self._row, self._changed = row, now

    def undo(self, present: State) -> State | None:
        """The state before the last step; None when there is none."""
        return self._move(self.past, self.future, present)

    def redo(self, present: State) -> State | None:
        """The state after the step that was undone last; None when there is none."""
        return self._move(self.future, self.past, present)

    def _move(self, taken: list[State], given: list[State], present: State) -> State | None:
        self._row = None
        if not taken:
            return None
        given.append(present)
        return taken.pop()
