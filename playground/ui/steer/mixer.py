"""The mix: any number of rows, each a vector or an average and how much of it, and what they add together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playground.errors import InputError
from playground.library.recipe import MAX_COMPONENTS
from playground.ui.kit.mix import MixRow
from playground.ui.kit.numbered import Newest
from playground.ui.kit.pick import Load

MOST_ROWS = MAX_COMPONENTS
"""As many as a recipe holds."""
POOL = 6
"""Rows that are there, hidden, from the beginning; those beyond are drawn when they are needed."""
UNITS = ("relative", "absolute")


def is_absolute(units: object) -> bool:
    """Whether the mixer counts in norms. Raises InputError for another unit."""
    if units not in UNITS:
        raise InputError(f"Expected scales that are {' or '.join(UNITS)}, got “{units}”; choose one of them.")
    return units == "absolute"


def converted(row: MixRow, absolute: bool, load: Load) -> MixRow:
    """The row in the other unit: the same push, as finely as the slider goes. Raises PlaygroundError."""
    other = replace(row, absolute=absolute)
    if row.absolute == absolute or row.native or not row.used:
        return other
    vector_set = load(row.set_name)
    norm = row.number(vector_set) * row.unit(vector_set)
    # A digit more in norms than in relative scale: there and back is the same number.
    return replace(other, scale=float(f"{norm / other.unit(vector_set):.{4 if absolute else 3}g}"))


@dataclass
class Mix:
    """The rows of one visitor, by the place on the page that stays theirs while others come and go, and the unit of all
    scales.
    """

    rows: dict[int, MixRow] = field(default_factory=dict)
    absolute: bool = False
    drawn: int = 0
    """Counts how often the rows were shown."""
    handlers: set[int] = field(default_factory=set)
    """Numbers of Gradio's handlers for the rows beyond the pool, from the drawing before the last."""
    noted: Newest = field(default_factory=Newest)
    """What a row said last about what it is, by its place."""

    @property
    def beyond(self) -> int:
        """0 while the pool is enough, else a number that is another one with every showing."""
        return self.drawn if any(slot >= POOL for slot in self.rows) else 0

    @property
    def all(self) -> tuple[MixRow, ...]:
        return tuple(self.rows[slot] for slot in sorted(self.rows))

    def show(self, rows: Sequence[MixRow]) -> None:
        """Exactly these rows, all of them in the unit of the first. Raises InputError when they are too many."""
        if len(rows) > MOST_ROWS:
            raise InputError(f"Expected at most {MOST_ROWS} rows in the mix, got {len(rows)}; average some of them.")
        self.rows = dict(enumerate(rows))
        self.absolute = bool(rows) and rows[0].absolute

    def add(self, row: MixRow) -> None:
        """Into the first free place. Raises InputError when there is none."""
        free = next((slot for slot in range(MOST_ROWS) if slot not in self.rows), None)
        if free is None:
            raise InputError(
                f"Expected at most {MOST_ROWS} rows in the mix, got one more; remove one, or average several of them."
            )
        self.rows[free] = row

    def count_in(self, absolute: bool, load: Load) -> None:
        """All scales in this unit. Raises PlaygroundError, and then nothing is changed."""
        self.rows = {slot: converted(row, absolute, load) for slot, row in self.rows.items()}
        self.absolute = absolute

    def note(self, slot: int, said: Mapping[str, Any], number: int, drawn: int | None = None) -> MixRow | None:
        """Take what the controls of a row say for the row; None, and nothing, for a row that is gone.

        `number` rises from word to word, and an earlier one that comes in later counts no more. `drawn` is the showing
        that the controls were drawn for, None for those that are always there.
        """
        row = self.rows.get(slot)
        if row is None or drawn not in (None, self.drawn):
            return None
        if self.noted.takes(slot, number):
            self.rows[slot] = row = replace(row, **said)
        return row

    def play_alone(self, slot: int, alone: bool) -> None:
        """This row alone, or all of them again."""
        self.rows = {each: replace(row, solo=alone and each == slot) for each, row in self.rows.items()}

    def remark(self, slot: int) -> str:
        """Why a row does or does not sound, where that needs saying."""
        if not any(row.solo for row in self.rows.values()):
            return ""
        return "solo" if slot in self.rows and self.rows[slot].solo else "silent: another row is solo"
