"""Plotly figures of measurements: curves over scales, items, sets, groups of replies, next tokens, cosines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import cast

import plotly.graph_objects as go

from playground.analyses.analysis import Figure
from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Measurement, Row
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.common.table import RANDOM, SetTable, set_table
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesResult
from playground.errors import InputError
from playground.methods.base.registry import called
from playground.ui.kit import markup, plots
from playground.ui.measure import scale_plots
from playground.ui.measure.scale_plots import Axes, Curve
from playground.ui.measure.state import Look
from playground.ui.measure.view import Bounds, best, curves, group_of, named, random_rows, row_at, scale_axis, x_of

ITEM_AXIS = "logit difference / nats"


@dataclass(frozen=True)
class Seen:
    """The input of a figure: a result over scales, the point of it that is chosen, an earlier result, and labels."""

    result: ScalesResult
    look: Look | None
    earlier: ScalesResult | None = None
    labels: Labels = UNLABELLED

    @property
    def name(self) -> str:
        """The chosen vector, "" for none."""
        return "" if self.look is None else self.look.name

    @property
    def row(self) -> Row | None:
        """The row at the chosen point; None where there is none."""
        return None if self.look is None else row_at(self.result, self.look)


def figure_of(result: ScalesResult) -> go.Figure:
    """The first plot that the page shows of a result over scales: the quantity that its vectors are judged by, with the
    interval of the one that moves most, beside random directions.
    """
    return draw(result.analysis.figures[0], Seen(result, best(result)))


def figures_of(result: Measurement, labels: Labels = UNLABELLED) -> list[tuple[str, go.Figure, str]]:
    """Every plot that the page shows of a measurement: title, figure and note."""
    shown = result.analysis.figures
    if isinstance(result, Shifts):
        drawn = [divergence_of(result, labels), tokens_of(result)]
        return [(each.title, plot, "") for each, plot in zip(shown, drawn, strict=True)]
    assert isinstance(result, ScalesResult), "an analysis over scales, or over a mix"
    look = best(result)
    seen, found = Seen(result, look, None, labels), result.notes("" if look is None else labels.called(look.name))
    notes = (*found, *("",) * len(shown))[: len(shown)]
    return [(each.title, draw(each, seen), note) for each, note in zip(shown, notes, strict=True)]


def draw(figure: Figure, seen: Seen) -> go.Figure:
    """One of the figures of an analysis over scales."""
    return _DRAWN[figure.draw](seen, figure)


def curves_of(seen: Seen, figure: Figure) -> go.Figure:
    """A quantity of every vector over scales, beside random directions at the layer of the chosen vector."""
    result, value = seen.result, attrgetter(figure.value)
    controls = random_rows(result, None if seen.row is None else seen.row.layer)
    return scale_plots.over_scales(
        curves(result, list(named(result).values()), value, seen.labels), curves(result, controls, value),
        value(result.baseline)[0], seen.name, _axes(seen, figure), _earlier(seen, value),
    )


def _items(seen: Seen, figure: Figure) -> go.Figure:
    """The items of the chosen vector, a violin a scale."""
    result = cast(MeasureResult, seen.result)  # only an analysis with such rows has this figure
    rows = named(result).get(seen.name, [])
    return scale_plots.items_over_scales(
        seen.name,
        [x_of(row, result) for row in rows],
        [row.differences for row in rows],
        [item.number for item in result.items],
        Axes(scale_axis(result), ITEM_AXIS),
    )


def _sets(seen: Seen, figure: Figure) -> go.Figure:
    """The items of the best vector of each set, side by side at the chosen scale."""
    if seen.row is None:
        return scale_plots.items_over_sets([], 0.0, [], Axes("", ""))
    scale = x_of(seen.row, seen.result)
    return set_by_set(cast(MeasureResult, seen.result), scale, seen.earlier, seen.labels)


def set_by_set(
    result: MeasureResult, scale: float, earlier: ScalesResult | None = None, labels: Labels = UNLABELLED
) -> go.Figure:
    """The items of the best vector of every set of a measurement, and of an earlier one, side by side at a scale."""
    table, violins = _table(result, earlier), []
    place = min(range(len(table.scales)), key=lambda place: abs(table.scales[place] - scale))
    for line in table.lines:
        row, random = cast(MeasuredRow | None, line.rows[place]), line.method == RANDOM
        if row is None:
            continue
        own = named(result).get(row.name, [])
        opens = next((f"{row.name}|{at}|" for at, each in enumerate(own) if each is row), None)
        method = f"best of {line.tried} random" if random else called(line.method)
        violins.append(scale_plots.Violin(labels.called(line.name), method, row.differences, opens, random))
    axes = Axes("best vector of each set", ITEM_AXIS)
    numbers = [item.number for item in result.items]
    return scale_plots.items_over_sets(violins, result.baseline.mean, numbers, axes)


def _table(result: ScalesResult, earlier: ScalesResult | None) -> SetTable:
    """The sets of a measurement, and of an earlier one where the two compare."""
    if earlier is not None:
        try:
            return set_table([result, earlier])
        except InputError:
            pass  # the table beneath says why
    return set_table([result])


def _groups(seen: Seen, figure: Figure) -> go.Figure:
    """The share of every group of replies, for the chosen vector."""
    result = cast(RepliesResult, seen.result)
    rows, lines = named(result).get(seen.name, []), []
    for at, group in enumerate(result.request.groups):
        lines += [replace(curve, called=group) for curve in curves(result, [rows] if rows else [], group_of(at))]
    return scale_plots.groups_over_scales(lines, _axes(seen, figure))


_DRAWN: dict[str, Callable[[Seen, Figure], go.Figure]] = {
    "curves": curves_of, "items": _items, "sets": _sets, "groups": _groups,
}
"""Figures of results over scales, by `Figure.draw`."""


def _axes(seen: Seen, figure: Figure) -> Axes:
    return Axes(scale_axis(seen.result), figure.axis, share=figure.share)


def _earlier(seen: Seen, value: Callable[[Row], Bounds]) -> Curve | None:
    """The same vector in an earlier measurement, on the axis of this one; its first one where it is not there."""
    groups = {} if seen.earlier is None else named(seen.earlier)
    if not groups:
        return None
    rows = groups.get(seen.name) or next(iter(groups.values()))
    (curve,) = curves(seen.result, [rows], value, seen.labels)
    return curve


def divergence_of(result: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None) -> go.Figure:
    """KL(steered ‖ baseline) of the next token over multiples of a mix, beside random directions."""
    scales = list(result.request.multipliers)
    controls = [Curve(f"random-{i}", scales, row, row, row) for i, row in enumerate(result.controls)]
    before = None if earlier is None else _divergence(earlier, labels)
    axes = Axes(result.axis, "KL(steered ‖ baseline) / nats")
    return scale_plots.over_scales([_divergence(result, labels)], controls, 0.0, result.name, axes, before)


def tokens_of(result: Shifts) -> go.Figure:
    """Probabilities of the likeliest next tokens over multiples of a mix."""
    texts = [plots.plain(markup.visible_token(token.text)) for token in result.tokens]
    probabilities = [token.probabilities for token in result.tokens]
    return scale_plots.tokens_over_scales(texts, probabilities, list(result.request.multipliers), result.axis)


def _divergence(result: Shifts, labels: Labels) -> Curve:
    """KL over multiples of a mix, with the middle half of the prompts as its interval."""
    lows, highs = [], []
    for column in zip(*result.kl_prompts, strict=True):
        ordered = sorted(column)
        lows.append(ordered[len(ordered) // 4])
        highs.append(ordered[-1 - len(ordered) // 4])
    scales = list(result.request.multipliers)
    return Curve(result.name, scales, result.kl, lows, highs, called=labels.called(result.name))
