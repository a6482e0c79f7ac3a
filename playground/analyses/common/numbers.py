"""Tables of a result for files: one line per row, or one line per item of a row."""

from __future__ import annotations

from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Lines, Measurement
from playground.library.formats.registry import formats


def row_table(result: Measurement, labels: Labels = UNLABELLED, suffix: str = ".csv") -> str:
    """The text of a table file with a suffix: the baseline and every row; for next tokens every value."""
    return table_text(result.row_lines(labels), suffix)


def item_table(result: Measurement, labels: Labels = UNLABELLED, suffix: str = ".csv") -> str:
    """The same for every item of the baseline and of every row, numbered from 0; for next tokens every prompt."""
    return table_text(result.item_lines(labels), suffix)


def table_text(lines: Lines, suffix: str) -> str:
    """The text of a table file with a suffix."""
    write = formats("table")[suffix].write
    assert write is not None
    text: str = write(*lines)
    return text
