"""The numbers of a result as tables, for CSV files: one line a row, and one line an item of a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from playground.services.measure.result import MeasuredRow, MeasureResult

ROWS = ("set", "vector", "kind", "layer", "scale", "relative", "mean", "low", "high", "share", "kl")
ITEMS = (
    *("set", "vector", "kind", "layer", "scale", "relative"),
    *("item", "letter", "by", "difference", "kl", "question", "matching", "other"),
)


def row_table(result: MeasureResult) -> Iterator[Sequence[object]]:
    """The baseline and every row, with the columns ROWS."""
    for row in (result.baseline, *result.rows):
        yield (*_place(row), row.mean, row.low, row.high, row.share, row.kl)


def item_table(result: MeasureResult) -> Iterator[Sequence[object]]:
    """Every item of the baseline and of every row, with the columns ITEMS; items by their number in the set."""
    for row in (result.baseline, *result.rows):
        for item, difference, divergence in zip(result.items, row.differences, row.divergences, strict=True):
            texts = (item.question, item.matching, item.other)
            yield (*_place(row), item.number, item.letter, item.by, difference, divergence, *texts)


def as_csv(header: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """A CSV text; what is None is left empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _place(row: MeasuredRow) -> tuple[object, ...]:
    return row.source, row.vector, row.kind, row.layer, row.scale, row.relative
