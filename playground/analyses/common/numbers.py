"""The numbers of a result as CSV: one line a row, and one line an item of a row."""

from __future__ import annotations

import csv
import io

from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Lines, Measurement


def row_csv(result: Measurement, labels: Labels = UNLABELLED) -> str:
    """The baseline and every row; for next tokens every value."""
    return _csv(result.row_lines(labels))


def item_csv(result: Measurement, labels: Labels = UNLABELLED) -> str:
    """Every item of the baseline and of every row, by its number from 0; for next tokens every prompt."""
    return _csv(result.item_lines(labels))


def _csv(lines: Lines) -> str:
    """A CSV text; what is None is left empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(lines[0])
    writer.writerows(lines[1])
    return buffer.getvalue()
