"""Pinned texts of a scan: which recipes they are, and their comparison over all prompts."""

from __future__ import annotations

from collections.abc import Sequence

from playground.errors import InputError
from playground.library.origin import RowNote
from playground.services.scan import Cell, ScanResult
from playground.ui.scan.state import Pin
from playground.ui.scan.view import note_of
from playground.ui.widgets import compare
from playground.ui.widgets.compare import Pinned


def pin_of(result: ScanResult, cell: Cell) -> Pin:
    """The pin of a text, the same for all prompts."""
    return result.set_hash, cell.row, cell.sign, cell.scale, cell.sample


def toggled(pins: tuple[Pin, ...], pin: Pin) -> tuple[Pin, ...]:
    """The pins with one more, or without it where it was there. Raises InputError for one too many."""
    if pin in pins:
        return tuple(each for each in pins if each != pin)
    if len(pins) >= compare.MOST:
        raise InputError(f"Expected at most {compare.MOST} pinned texts, got one more; unpin one first.")
    return *pins, pin


def comparison(result: ScanResult, notes: Sequence[RowNote], pins: Sequence[Pin]) -> str:
    """The pinned texts side by side, as HTML; pins of other vectors, or of texts that this scan lacks, are left out."""
    found: dict[Pin, dict[int, int]] = {pin: {} for pin in pins}
    if pins:
        for number, cell in enumerate(result.cells):
            if (pin := pin_of(result, cell)) in found:
                found[pin][cell.prompt] = number
    columns = [_column(result, notes, numbers) for numbers in found.values() if numbers]
    baselines = {cell.prompt: cell.text for cell in reversed(result.baselines)}
    prompts = result.request.prompts
    return compare.side_by_side(prompts, [baselines.get(place) for place in range(len(prompts))], columns)


def _column(result: ScanResult, notes: Sequence[RowNote], numbers: dict[int, int]) -> Pinned:
    """The column of one pin; `numbers` are its cells by prompt."""
    cells = [result.cells[numbers[place]] if place in numbers else None for place in range(len(result.request.prompts))]
    first = next(iter(numbers.values()))
    cell = result.cells[first]
    label = note_of(notes, cell).label
    title = f"{'+' if cell.sign > 0 else '−'}{cell.row} at {cell.scale:g}" + (f" · {label}" if label else "")
    if result.request.samples > 1:
        title += f" · sample {cell.sample + 1}"
    opens = tuple(f'data-act="steer" data-cell="{numbers.get(place, first)}"' for place in range(len(cells)))
    texts = tuple(None if each is None else each.text for each in cells)
    return Pinned(title, texts, opens, f'data-act="pin" data-cell="{first}"')
