"""State of the mixer: its rows, each a vector or an average with a scale, and their common unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from playground.errors import InputError, PlaygroundError
from playground.limits import LIMITS
from playground.ui.kit.event_order import EventOrder
from playground.ui.kit.mix import MixRow
from playground.ui.kit.pick import Load
from playground.ui.steer.history import History, State

MOST_ROWS = LIMITS.components
"""Rows of a mix at most, as many as a recipe has components."""
POOL = 6
"""Rows that are built, hidden, with the page; more are rendered when they are needed."""
UNITS = ("relative", "absolute")


def is_absolute(units: object) -> bool:
    """Whether `units` are norms. Raises InputError for a unit that is not one of UNITS."""
    if units not in UNITS:
        raise InputError(f"Expected scales that are {' or '.join(UNITS)}, got “{units}”; choose one of them.")
    return units == "absolute"


def converted(row: MixRow, absolute: bool, load: Load) -> MixRow:
    """The row with the same push in the other unit, rounded to digits of the slider. Raises PlaygroundError."""
    other = replace(row, absolute=absolute)
    if row.absolute == absolute or row.native or not row.used:
        return other
    vector_set = load(row.source)
    norm = row.number(vector_set) * row.unit(vector_set)
    # One digit more in norms than in relative scale, so that converting there and back gives the same number.
    return replace(other, scale=float(f"{norm / other.unit(vector_set):.{4 if absolute else 3}g}"))


def _loads(row: MixRow, load: Load) -> bool:
    """Whether the set of a row is there."""
    try:
        load(row.source)
    except PlaygroundError:
        return False
    return True


@dataclass
class Mix:
    """The mix of one visitor. `rows` are by slot, the place on the page, which a row keeps while others are added and
    removed; `absolute` is the unit of all scales.
    """

    rows: dict[int, MixRow] = field(default_factory=dict)
    absolute: bool = False
    drawn: int = 0
    """Counts the redraws of the rows."""
    handlers: set[int] = field(default_factory=set)
    """Ids of Gradio's handlers of the rows beyond the pool, from `render_handlers.keep_previous`."""
    row_events: EventOrder = field(default_factory=EventOrder)
    """Order of the events that change a row; the key is its slot."""
    history: History = field(default_factory=History)
    """Undo and redo."""

    @property
    def beyond(self) -> int:
        """0 while the pool is enough, else the number of the redraw, so that every redraw renders these rows."""
        return self.drawn if any(slot >= POOL for slot in self.rows) else 0

    @property
    def all(self) -> tuple[MixRow, ...]:
        """The rows in the order of their slots."""
        return tuple(self.rows[slot] for slot in sorted(self.rows))

    @property
    def _state(self) -> State:
        return tuple(sorted(self.rows.items())), self.absolute

    @contextmanager
    def _step(self, slot: int | None = None) -> Iterator[None]:
        """Record what is changed inside for undo; `slot` as in History.changed."""
        before = self._state
        yield
        self.history.changed(before, self._state, slot)

    def step_back(self, forward: bool, load: Load) -> bool:
        """Undo the last step, or redo the one undone last; returns whether there was one. Rows whose set is gone are
        left out.
        """
        move = self.history.redo if forward else self.history.undo
        state = move(self._state)
        if state is None:
            return False
        rows, self.absolute = state
        self.rows = {slot: row for slot, row in rows if _loads(row, load)}
        return True

    def show(self, rows: Sequence[MixRow]) -> None:
        """Replace the mix by these rows, all in the unit of the first. Raises InputError for more than MOST_ROWS."""
        if len(rows) > MOST_ROWS:
            raise InputError(f"Expected at most {MOST_ROWS} rows in the mix, got {len(rows)}; average some of them.")
        with self._step():
            self.rows = dict(enumerate(rows))
            self.absolute = bool(rows) and rows[0].absolute

    def put(self, slot: int, row: MixRow) -> None:
        """Put another row in a slot."""
        with self._step():
            self.rows = {**self.rows, slot: row}

    def add(self, row: MixRow) -> int:
        """Add a row in the first free slot, and return it. Raises InputError when there is none."""
        free = next((slot for slot in range(MOST_ROWS) if slot not in self.rows), None)
        if free is None:
            raise InputError(
                f"Expected at most {MOST_ROWS} rows in the mix, got one more; remove one, or average several of them."
            )
        with self._step():
            self.rows[free] = row
        return free

    def remove(self, slot: int) -> MixRow | None:
        """Take a row away, and return it, if it is there."""
        with self._step():
            return self.rows.pop(slot, None)

    def set_unit(self, absolute: bool, load: Load) -> None:
        """Convert all scales to this unit. When that raises PlaygroundError, the mix is unchanged."""
        rows = {slot: converted(row, absolute, load) for slot, row in self.rows.items()}
        with self._step():
            self.rows, self.absolute = rows, absolute

    def update(self, slot: int, values: Mapping[str, Any], number: int, drawn: int | None = None) -> MixRow | None:
        """Set fields of a row to the values of its controls; returns the row, None for one that is gone.

        `number` is the sequence number of the event; a stale one changes nothing. `drawn` is the redraw in which the
        controls were rendered, None for those of the pool.
        """
        row = self.rows.get(slot)
        if row is None or drawn not in (None, self.drawn):
            return None
        if self.row_events.accept(slot, number):
            with self._step(slot):
                self.rows[slot] = row = replace(row, **values)
        return row

    def set_solo(self, slot: int, solo: bool) -> None:
        """Turn solo of this row on or off, and that of all others off."""
        with self._step():
            self.rows = {each: replace(row, solo=solo and each == slot) for each, row in self.rows.items()}

    def remark(self, slot: int) -> str:
        """A remark on a row while any row has solo, else nothing."""
        if not any(row.solo for row in self.rows.values()):
            return ""
        return "solo" if slot in self.rows and self.rows[slot].solo else "silent: another row is solo"
