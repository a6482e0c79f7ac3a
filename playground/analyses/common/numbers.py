"""The numbers of a result as a table in a file: one line a row, and one line an item of a row."""

from __future__ import annotations

from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Lines, Measurement
from playground.library.formats.registry import formats


def row_table(result: Measurement, labels: Labels = UNLABELLED, suffix: str = ".csv") -> str:
    """The baseline and every row; for next tokens every value. The text of a file that ends in `suffix`."""
    return _written(result.row_lines(labels), suffix)


def item_table(result: Measurement, labels: Labels = UNLABELLED, suffix: str = ".csv") -> str:
    """Every item of the baseline and of every row, by its number from 0; for next tokens every prompt."""
    return _written(result.item_lines(labels), suffix)


def _written(lines: Lines, suffix: str) -> str:
    write = formats("table")[suffix].write
    assert write is not None
    text: str = write(*lines)
    return text
