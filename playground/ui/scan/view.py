"""Filter and order of the cells of a scan that are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playground.library.vector_set import RowNote
from playground.services.scan import Cell, ScanResult
from playground.ui.scan.limits import FIELDS, Limits, read_limits

SORTS = {
    "effect": "effect, largest first",
    "changed": "change, largest first",
    "kl": "KL, largest first",
    "noise": "noise, cleanest first",
    "repetition": "repetition, least first",
    "perplexity": "perplexity, lowest first",
    "vector": "vector",
    "scale": "scale, smallest first",
}
ALL_GROUPS = "all"
PAGE = 30
"""Entries on one page."""


@dataclass(frozen=True)
class ScanView:
    """The values of the controls above the table. `group` is the number of one as text, or ALL_GROUPS; `wrong` is a
    sentence about a limit that is no number, "" for none.
    """

    sort: str = "effect"
    hide_noise: bool = True
    hide_discarded: bool = True
    starred_only: bool = False
    group_alike: bool = True
    group: str = ALL_GROUPS
    contains: str = ""
    limits: Limits = field(default_factory=Limits)
    wrong: str = ""

    @classmethod
    def of(cls, values: Sequence[Any]) -> ScanView:
        """The view of the controls' values, those of the fields of limits last."""
        limits, wrong = read_limits(values[-len(FIELDS) :])
        return replace(cls(*values[: -len(FIELDS)]), limits=limits, wrong=wrong)


@dataclass(frozen=True)
class Entry:
    """One line of the table: a cell (`cells` has one), or a group with those of its cells that are shown."""

    cells: tuple[int, ...]
    group: int | None = None


@dataclass(frozen=True)
class Section:
    """The entries of one prompt."""

    prompt: int
    entries: tuple[Entry, ...]


def sections(result: ScanResult, view: ScanView, notes: Sequence[RowNote]) -> tuple[Section, ...]:
    """A section a prompt, those without entries left out; `notes` are those of the set's rows."""
    groups = result.group_of()
    order = _ORDERS.get(view.sort, _ORDERS["effect"])
    wanted = view.contains.casefold().strip()

    def shown(number: int, cell: Cell) -> bool:
        if view.hide_noise and cell.noise:
            return False
        note = note_of(notes, cell)
        if (view.hide_discarded and note.discarded) or (view.starred_only and not note.star):
            return False
        if view.group not in (ALL_GROUPS, None) and str(groups.get(number)) != view.group:
            return False
        return view.limits.passes(cell) and wanted in cell.text.casefold()

    numbers: dict[int, list[int]] = {}
    for number, cell in enumerate(result.cells):
        if shown(number, cell):
            numbers.setdefault(cell.prompt, []).append(number)
    # One group alone is looked at cell by cell.
    collapse = view.group_alike and bool(result.groups) and view.group in (ALL_GROUPS, None)
    found = []
    for prompt in sorted(numbers):
        ordered = sorted(numbers[prompt], key=lambda number: order(result.cells[number]))
        apart = tuple(Entry((number,)) for number in ordered)
        found.append(Section(prompt, _collapsed(result, ordered, groups, view) if collapse else apart))
    return tuple(found)


def row_of(cell: Cell) -> int:
    """The row of the set whose vector a steered text was written with."""
    assert cell.row is not None, "a baseline, which no vector is added for"
    return cell.row


def note_of(notes: Sequence[RowNote], cell: Cell) -> RowNote:
    """The note on the vector of a steered text; an empty one beyond the notes there are."""
    row = row_of(cell)
    return notes[row] if row < len(notes) else RowNote()


def _collapsed(
    result: ScanResult, ordered: Sequence[int], groups: dict[int, int], view: ScanView
) -> tuple[Entry, ...]:
    """An entry for each group, at the place of its first cell. Sorted by effect, a group is shown by its most typical
    cell; in every other order by its first one, so that the numbers sorted by appear in order.
    """
    members: dict[int, list[int]] = {}
    for number in ordered:
        members.setdefault(groups[number], []).append(number)
    entries = []
    for group, cells in members.items():
        there = set(cells)
        typical = next(number for number in result.groups[group].members if number in there)
        shown = typical if view.sort == "effect" else cells[0]
        entries.append(Entry((shown, *(number for number in cells if number != shown)), group))
    return tuple(entries)


def _place(cell: Cell) -> tuple[object, ...]:
    return (cell.row, -cell.sign, cell.scale, cell.sample)


def _perplexity(cell: Cell) -> float:
    return float("inf") if cell.perplexity is None else cell.perplexity


def _kl(cell: Cell) -> float:
    return -1.0 if cell.kl is None else cell.kl


_ORDERS: dict[str, Callable[[Cell], tuple[object, ...]]] = {
    "effect": lambda cell: (cell.noise, -round(cell.changed, 3), -_kl(cell), *_place(cell)),
    "changed": lambda cell: (-cell.changed, *_place(cell)),
    "kl": lambda cell: (-_kl(cell), *_place(cell)),
    "noise": lambda cell: (cell.noise, cell.repetition + _perplexity(cell) / 10, *_place(cell)),
    "repetition": lambda cell: (cell.repetition, *_place(cell)),
    "perplexity": lambda cell: (_perplexity(cell), *_place(cell)),
    "vector": _place,
    "scale": lambda cell: (cell.scale, *_place(cell)),
}
