"""Figures of measurements: the best vector of each set, over scales and item by item."""

from __future__ import annotations

from collections.abc import Sequence

from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.common.result import SCALE_NAMES, Row
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.common.table import RANDOM, SetLine, SetTable, set_table, value_of
from playground.errors import InputError
from playground.services.evidence import svg
from playground.services.evidence.svg import Axes, Line, Violin


def best_of_sets(results: Sequence[ScalesResult], title: str) -> str:
    """The best vector of each set over scales with its interval, every random direction, and the baseline dashed."""
    table = set_table(results)
    quantity = table.analysis.judged_by
    lines = []
    for line in table.lines:
        if line.method != RANDOM:
            pairs = zip(table.scales, line.rows, strict=True)
            lines.append(_line(_name(line), [(scale, row) for scale, row in pairs if row is not None]))
    drawn: dict[tuple[int, str, int | None], list[tuple[float, Row]]] = {}
    for result in results:
        for row in result.rows:
            if row.kind == "random":
                place = row.at(table.unit)
                drawn.setdefault((result.request.seed, row.name, row.layer), []).append((place, row))
    lines += [_line("random, equal norm", sorted(rows, key=lambda pair: pair[0]), True) for rows in drawn.values()]
    return svg.lines(lines, Axes(_scales(table), quantity.axis, quantity.share), title, value_of(table.baseline))


def items_of_sets(results: Sequence[MeasureResult], scale: float, title: str) -> str:
    """A violin a set over the items of its best vector at a scale of the table, beside the best random direction; the
    mean without steering dashed. Raises InputError for a scale that is not in the table.
    """
    table = set_table(results)
    if scale not in table.scales:
        raise InputError(
            f"Expected one of the measured scales {', '.join(f'{each:g}' for each in table.scales)}, got {scale:g}; "
            "choose one of them."
        )
    place = table.scales.index(scale)
    violins = []
    for line in table.lines:
        row = line.rows[place]
        if isinstance(row, MeasuredRow):
            violins.append(Violin(_name(line), row.differences, role="random" if line.method == RANDOM else "main"))
    axes = Axes(f"best vector of each set at {_scales(table)} {scale:g}", "logit difference / nats")
    return svg.violins(violins, axes, title, value_of(table.baseline))


def _line(name: str, rows: Sequence[tuple[float, Row]], random: bool = False) -> Line:
    xs, ys = [scale for scale, _ in rows], [value_of(row) for _, row in rows]
    if random:
        return Line(name, xs, ys, role="random")
    bounds = [row.bounds for _, row in rows]
    return Line(name, xs, ys, [low for _, low, _ in bounds], [high for _, _, high in bounds])


def _name(line: SetLine) -> str:
    if line.method == RANDOM:
        return f"best of {line.tried} random"
    return f"{line.method}: {line.set}, best of {line.tried}"


def _scales(table: SetTable) -> str:
    return SCALE_NAMES[table.unit]
