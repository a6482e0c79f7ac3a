"""The numbers of a result as a table in a file: one line a row, and one line an item of a row."""

from __future__ import annotations

from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Lines, Measurement
from playground.library.formats.registry import formats


def row_csv(result: Measurement, labels: Labels = UNLABELLED) -> str:
    """The baseline and every row; for next tokens every value."""
    return written(result.row_lines(labels))


def item_csv(result: Measurement, labels: Labels = UNLABELLED) -> str:
    """Every item of the baseline and of every row, by its number from 0; for next tokens every prompt."""
    return written(result.item_lines(labels))


def written(lines: Lines, suffix: str = ".csv") -> str:
    """A table as the text of a file that ends so."""
    write = formats("table")[suffix].write
    assert write is not None
    text: str = write(*lines)
    return text
