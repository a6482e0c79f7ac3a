"""Results of vectors over scales: rows, each with numbers, and items."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from playground.analyses.analysis import Cell, Fact
from playground.analyses.common.labels import Labels
from playground.analyses.common.request import OverScales
from playground.analyses.common.result import PLACE, SCALE_NAMES, Lines, Measurement, Row
from playground.analyses.common.table import set_table
from playground.extensions import resolve


@dataclass(frozen=True)
class ScalesResult(Measurement):
    """`rows` are those that were finished: vectors in the order of the request, then random directions, each with its
    scales in rising order; a row at scale 0 repeats the baseline. The numbers of a row are the columns of its analysis.
    """

    request: OverScales
    baseline: Row
    rows: tuple[Row, ...]

    @property
    def every_row(self) -> tuple[Row, ...]:
        """The baseline, and the rows."""
        return (self.baseline, *self.rows)

    @property
    def questions(self) -> list[tuple[int, str]]:
        """Number in the set and question of every item that was measured."""
        return list(zip(self.request.places, self.request.questions_asked, strict=True))

    def numbers(self, row: Row) -> dict[str, Any]:
        """The numbers of a row by the names of the columns."""
        return {column.name: getattr(row, column.name) for column in self.analysis.columns}

    def wide(self, row: Row) -> dict[str, float]:
        """The numbers of a row by the headings of the page's tables, where a row has one line."""
        return {column.called: getattr(row, column.name) for column in self.analysis.columns}

    def parts(self, row: Row) -> Iterator[dict[str, Any]]:
        """The numbers of a row, one dictionary for each of its lines in a table file."""
        yield self.numbers(row)

    def plot(self) -> Any:
        """A plotly figure of the first plot that the page shows: vectors over scales beside random directions."""
        return resolve("playground.ui.measure.figure:figure_of")(self)

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row (or part of one), the baseline first; single items are left out."""
        import pandas

        lines = [(row, own) for row in self.every_row for own in self.parts(row)]
        return pandas.DataFrame([{**{name: getattr(row, name) for name in PLACE}, **own} for row, own in lines])

    def row_lines(self, labels: Labels) -> Lines:
        """A line a row (or part of one), the baseline first."""
        return ("set", *PLACE[1:], *next(self.parts(self.baseline)), "label"), (
            (*_place(row), *own.values(), labels.of(row.name)) for row in self.every_row for own in self.parts(row)
        )

    def item_lines(self, labels: Labels) -> Lines:
        """A line an item of a row."""
        return ("set", *PLACE[1:], *self.analysis.item_columns, "label"), (
            (*_place(row), *own, labels.of(row.name)) for row in self.every_row for own in self.items_of(row)
        )

    def items_of(self, row: Row) -> Iterator[Sequence[object]]:
        """The values of every item at a row, in the order of the item columns of the analysis."""
        yield from ()

    def described(self) -> dict[str, Any]:
        """Settings of the request, as JSON values."""
        return {"positions": self.request.positions, "seed": self.request.seed}

    def facts(self) -> dict[str, Any]:
        name, asked = self.analysis.asked, self.request.asked
        return {
            name: asked.name,
            f"{name}_hash": asked.hash,
            "items": len(self.questions),
            **self.described(),
            "baseline": self.numbers(self.baseline),
            "rows": [self.row_facts(row, self.numbers(row)) for row in self.rows],
        }

    def row_facts(self, row: Row, numbers: dict[str, Any]) -> dict[str, Any]:
        """A row as JSON values: the vector, its layer and scale, and its numbers."""
        return {
            "file": row.source,
            "vector": int(row.vector) if row.vector.isdecimal() else row.vector,
            "layer": row.layer,
            "scale": row.scale,
            "relative": row.relative,
            **({} if row.multiple is None else {"multiple": row.multiple}),
            **numbers,
        }

    @property
    def headline(self) -> list[str]:
        """Lines above the table of the text output."""
        return [f"{len(self.questions)} items of {self.request.asked.name}"]

    @property
    def several(self) -> str:
        """Plural of the quantity of the analysis, in sentences."""
        return self.analysis.judged_by.several

    def lines(self) -> list[str]:
        width = max(len(row.name) for row in self.every_row) + 2
        table = (f"{row.name:<{width}}{row.scale:>9.4g}{self.cells(row)}" for row in self.every_row)
        return [*self.headline, "", f"{'vector':<{width}}{'scale':>9}{self.heads}", *table, *self._best_of_sets()]

    @property
    def heads(self) -> str:
        """The headings of `cells`."""
        return "".join(f"{column.head:>{column.width}}" for column in self.analysis.columns if column.name != "high")

    def cells(self, row: Row) -> str:
        """The numbers of a row, formatted for the text output."""
        columns = {column.name: column for column in self.analysis.columns}
        values = {name: getattr(row, name) for name in columns}
        if any(math.isnan(value) for value in values.values()):
            return f"{'not finite':>14}"
        cells = ""
        for name, column in columns.items():
            text = format(values[name], column.written)
            if name == "low" and "high" in columns:
                text = f"{text} to {format(values['high'], columns['high'].written)}"
            cells += "" if name == "high" else f"{text:>{column.width}}"
        return cells

    def _best_of_sets(self) -> list[str]:
        """Lines on the best vector of each set, after an empty one; none without a row."""
        if not self.rows:
            return []
        table, written = set_table([self]), self.analysis.judged_by.written
        unit = SCALE_NAMES[table.unit]
        names = [f"{line.method}: {line.name} of {line.tried}" for line in table.lines]
        width = max(map(len, (unit, *names))) + 2
        lines = ["", f"Best vector of each set, by the span of its {self.several} over {unit}s:", ""]
        lines.append(f"{unit:<{width}}" + "".join(f"{scale:>9g}" for scale in table.scales) + f"{'span':>9}")
        for name, line in zip(names, table.lines, strict=True):
            values = "".join(f"{'' if each is None else format(each, written):>9}" for each in line.values)
            lines.append(f"{name:<{width}}{values}{format(line.span, written).removeprefix('+'):>9}")
        return lines

    @property
    def amount(self) -> str:
        count = {kind: sum(row.kind == kind for row in self.rows) for kind in ("vector", "random")}
        return f"{count['vector']} rows of vectors, {count['random']} of random directions"

    @property
    def complete(self) -> str:
        return f"{len(self.rows)} rows are complete"

    def notes(self, called: str) -> tuple[str, ...]:
        """Captions of its plots; `called` is the name of the selected vector, "" for none."""
        return (f"{len(self.questions)} items of {self.request.asked.name}.",)

    def item_cells(self, row: Row, place: int) -> tuple[Cell, ...]:
        """Cells of one item in the list of items, in the order of the item titles of the analysis."""
        return ()

    def item_facts(self, row: Row, place: int) -> tuple[Fact, ...]:
        """Lines of the card of one item."""
        return ()

    def item_texts(self, row: Row, place: int) -> tuple[tuple[str, str], ...] | None:
        """Texts at baseline and at a row, of the item at that place; None where none was generated."""
        return None


def _place(row: Row) -> tuple[object, ...]:
    return cast(tuple[object, ...], tuple(getattr(row, name) for name in PLACE))
