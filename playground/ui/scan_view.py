"""Which cells of a scan are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.library.vector_set import RowNote
from playground.services.scan import Cell, ScanResult

SORTS = {
    "effect": "effect, largest first",
    "kl": "KL, largest first",
    "noise": "noise, cleanest first",
    "vector": "vector",
    "scale": "scale, smallest first",
}
ALL_GROUPS = "all"
PAGE = 30
"""Entries on one page."""


@dataclass(frozen=True)
class ScanView:
    """What the controls above the table say. `group` is the number of one as text, or ALL_GROUPS."""

    sort: str = "effect"
    hide_noise: bool = True
    hide_discarded: bool = True
    group_alike: bool = True
    group: str = ALL_GROUPS
    contains: str = ""


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
        if view.hide_discarded and cell.row < len(notes) and notes[cell.row].discarded:
            return False
        if view.group not in (ALL_GROUPS, None) and str(groups.get(number)) != view.group:
            return False
        return wanted in cell.text.casefold()

    numbers: dict[int, list[int]] = {}
    for number, cell in enumerate(result.cells):
        if shown(number, cell):
            numbers.setdefault(cell.prompt, []).append(number)
    # One group alone is looked at cell by cell.
    collapse = view.group_alike and bool(result.groups) and view.group in (ALL_GROUPS, None)
    found = []
    for prompt in sorted(numbers):
        ordered = sorted(numbers[prompt], key=lambda number: order(result.cells[number]))
        entries = _collapsed(result, ordered, groups) if collapse else tuple(Entry((number,)) for number in ordered)
        found.append(Section(prompt, entries))
    return tuple(found)


def _collapsed(result: ScanResult, ordered: Sequence[int], groups: dict[int, int]) -> tuple[Entry, ...]:
    """An entry a group where its first cell would stand; its cells the most typical one first."""
    members: dict[int, list[int]] = {}
    for number in ordered:
        members.setdefault(groups[number], []).append(number)
    entries = []
    for group, cells in members.items():
        there = set(cells)
        typical = next(number for number in result.groups[group].members if number in there)
        entries.append(Entry((typical, *(number for number in cells if number != typical)), group))
    return tuple(entries)


def _place(cell: Cell) -> tuple[object, ...]:
    return (cell.row, -cell.sign, cell.scale, cell.sample)


def _perplexity(cell: Cell) -> float:
    return float("inf") if cell.perplexity is None else cell.perplexity


_ORDERS: dict[str, Callable[[Cell], tuple[object, ...]]] = {
    "effect": lambda cell: (cell.noise, -round(cell.changed, 3), -cell.kl, *_place(cell)),
    "kl": lambda cell: (-cell.kl, *_place(cell)),
    "noise": lambda cell: (cell.noise, cell.repetition + _perplexity(cell) / 10, *_place(cell)),
    "vector": _place,
    "scale": lambda cell: (cell.scale, *_place(cell)),
}
