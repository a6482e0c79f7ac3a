"""Page updates for a measurement: plots, notes, tables, pickers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import gradio as gr

from playground.analyses.analysis import Figure
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import SCALE_NAMES, Row
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.common.table import RANDOM, SetTable, set_table
from playground.analyses.compare.run import Comparison, closest
from playground.analyses.next_token.run import Shifts
from playground.errors import InputError
from playground.methods.base.registry import called
from playground.ui.kit import markup, plots
from playground.ui.measure import compare_plots, scale_plots, tables
from playground.ui.measure.cards import title
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.scale_plots import Axes, Curve
from playground.ui.measure.state import Look
from playground.ui.measure.view import Bounds, curves, group_of, named, random_rows, row_at, scale_axis, x_of

Updates = dict[Any, Any]


def main(
    tab: MeasureTab, result: ScalesResult, look: Look | None, labels: Labels = UNLABELLED
) -> Updates:
    """The first plot of a result over scales: all that is drawn while it is measured."""
    return tab.figures.drawn(curves_of(Seen(result, look, None, labels), result.analysis.figures[0]))


def over_scales(
    tab: MeasureTab,
    result: ScalesResult,
    look: Look | None,
    earlier: ScalesResult | None = None,
    labels: Labels = UNLABELLED,
) -> Updates:
    """Every plot of a result over scales."""
    shown, seen = {}, Seen(result, look, earlier, labels)
    for place, figure in enumerate(result.analysis.figures):
        shown |= _DRAWN[figure.draw](tab, place, figure, seen)
    return shown


def sets_beside(
    tab: MeasureTab, result: ScalesResult, look: Look | None, earlier: ScalesResult | None, labels: Labels
) -> Updates:
    """The plots of sets side by side at the scale that is looked at, where there are such."""
    shown, seen = {}, Seen(result, look, earlier, labels)
    for place, figure in enumerate(result.analysis.figures):
        if figure.draw == "sets":
            shown |= _sets(tab, place, figure, seen)
    return shown


@dataclass(frozen=True)
class Seen:
    """What is drawn: a result over scales, what of it is looked at, an earlier one, and what vectors are called."""

    result: ScalesResult
    look: Look | None
    earlier: ScalesResult | None = None
    labels: Labels = UNLABELLED

    @property
    def name(self) -> str:
        return "" if self.look is None else self.look.name

    @property
    def row(self) -> Row | None:
        return None if self.look is None else row_at(self.result, self.look)


def curves_of(seen: Seen, figure: Figure) -> Any:
    """A quantity of the rows of every vector over scales, beside random directions at the layer of the one that is
    looked at.
    """
    result, value = seen.result, attrgetter(figure.value)
    controls = random_rows(result, None if seen.row is None else seen.row.layer)
    return scale_plots.over_scales(
        curves(result, list(named(result).values()), value, seen.labels), curves(result, controls, value),
        value(result.baseline)[0], seen.name, _axes(seen, figure), _earlier(seen, value),
    )


def _curves(tab: MeasureTab, place: int, figure: Figure, seen: Seen) -> Updates:
    return {tab.figures.plots[place]: curves_of(seen, figure)}


def _items(tab: MeasureTab, place: int, figure: Figure, seen: Seen) -> Updates:
    return {tab.figures.plots[place]: _violins(seen.result, seen.name)}


def _sets(tab: MeasureTab, place: int, figure: Figure, seen: Seen) -> Updates:
    """Sets side by side at the scale that is looked at, and what is to be said about it."""
    if seen.row is None:
        nothing = scale_plots.items_over_sets([], 0.0, [], Axes("", ""))
        return {tab.figures.plots[place]: nothing, tab.figures.notes[place]: ""}
    scale = x_of(seen.row, seen.result)
    said = (
        f"At {SCALE_NAMES[seen.result.request.unit]} {scale:g}, the scale that is looked at. The "
        "vector of a set is the one whose means span most over the scales; the random direction is picked in the same "
        "way."
    )
    drawn = set_by_set(seen.result, scale, seen.earlier, seen.labels)
    return {tab.figures.plots[place]: drawn, **tab.figures.noted(place, said)}


def _axes(seen: Seen, figure: Figure) -> Axes:
    return Axes(scale_axis(seen.result), figure.axis, share=figure.share)


def set_by_set(
    result: Any, scale: float, earlier: ScalesResult | None = None, labels: Labels = UNLABELLED
) -> Any:
    """The items of the best vector of every set of a measurement, and of an earlier one, side by side at a scale."""
    table, violins = _table(result, earlier), []
    place = min(range(len(table.scales)), key=lambda place: abs(table.scales[place] - scale))
    for line in table.lines:
        best, random = line.rows[place], line.method == RANDOM
        if best is None:
            continue
        own = named(result).get(best.name, [])
        opens = next((f"{best.name}|{at}|" for at, row in enumerate(own) if row is best), None)
        method = f"best of {line.tried} random" if random else called(line.method)
        violins.append(scale_plots.Violin(labels.called(line.name), method, best.differences, opens, random))
    axes = Axes("best vector of each set", "logit difference / nats")
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


def _groups(tab: MeasureTab, place: int, figure: Figure, seen: Seen) -> Updates:
    """The plot of every group of replies of the vector that is looked at; the title of the first names one."""
    result: Any = seen.result
    rows, lines = named(result).get(seen.name, []), []
    for at, group in enumerate(result.request.groups):
        lines += [replace(curve, called=group) for curve in curves(result, [rows] if rows else [], group_of(at))]
    return {
        tab.figures.titles[0]: title(f"{result.analysis.figures[0].title}: {result.request.said_group(0)}"),
        tab.figures.plots[place]: scale_plots.groups_over_scales(lines, _axes(seen, figure)),
    }


_DRAWN = {"curves": _curves, "items": _items, "sets": _sets, "groups": _groups}
"""What draws the figures of results over scales."""


def _violins(result: Any, name: str) -> Any:
    rows = named(result).get(name, [])
    return scale_plots.items_over_scales(
        name,
        [x_of(row, result) for row in rows],
        [row.differences for row in rows],
        [item.number for item in result.items],
        Axes(scale_axis(result), "logit difference / nats"),
    )


def _earlier(seen: Seen, value: Callable[[Row], Bounds]) -> Curve | None:
    """The same vector in an earlier measurement, on the axis of this one; its first one where it is not there."""
    groups = {} if seen.earlier is None else named(seen.earlier)
    if not groups:
        return None
    rows = groups.get(seen.name) or next(iter(groups.values()))
    (curve,) = curves(seen.result, [rows], value, seen.labels)
    return curve


def noted(
    tab: MeasureTab, result: ScalesResult, look: Look | None, file: str, labels: Labels = UNLABELLED
) -> Updates:
    """What is to be said about the plots, and their numbers, which are downloaded as `file`."""
    shown, numbers = {}, tables.scales_csv(result, file, labels)
    for place, said in enumerate(result.notes("" if look is None else labels.called(look.name))):
        shown |= tab.figures.noted(place, said, "" if place else numbers)
    return shown


def looked(tab: MeasureTab, result: ScalesResult, look: Look | None, labels: Labels = UNLABELLED) -> Updates:
    """The picker of what is looked at, and its items."""
    choices = [(labels.called(name), name) for name in named(result)]
    return {
        tab.look: gr.update(choices=choices, value=None if look is None else look.name, visible=True),
        tab.look_box: gr.update(visible=look is not None),
        tab.items: "" if look is None else tables.items(result, look, labels),
    }


def shift_plots(
    tab: MeasureTab, seen: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None
) -> Updates:
    """KL over multiples of a mix, and the tokens."""
    name, axis, scales = seen.name, seen.axis, list(seen.request.multipliers)
    kl, before = _divergence(seen, labels), None if earlier is None else _divergence(earlier, labels)
    controls = [Curve(f"random-{i}", scales, row, row, row) for i, row in enumerate(seen.controls)]
    texts = [plots.plain(markup.visible_token(token.text)) for token in seen.tokens]
    return tab.figures.drawn(
        scale_plots.over_scales([kl], controls, 0.0, name, Axes(axis, "KL(steered ‖ baseline) / nats"), before),
        scale_plots.tokens_over_scales(texts, [token.probabilities for token in seen.tokens], scales, axis),
    )


def _divergence(seen: Shifts, labels: Labels) -> Curve:
    name = seen.name
    return Curve(name, list(seen.request.multipliers), seen.kl, *_spread(seen), called=labels.called(name))


def shifted(
    tab: MeasureTab, seen: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None
) -> Updates:
    """The plots of a mix, what is to be said about them, and their numbers."""
    request, controls = seen.request, range(len(seen.controls))
    texts = [markup.visible_token(token.text) for token in seen.tokens]
    header = ["scale", "KL", *(f"KL random-{i}" for i in controls), *(f"p({text})" for text in texts), "label"]
    columns = [seen.kl, *seen.controls, *(token.probabilities for token in seen.tokens)]
    label = labels.of_recipe(request.recipe)
    lines = [
        [scale, *(f"{column[i]:.6g}" for column in columns), label] for i, scale in enumerate(request.multipliers)
    ]
    prompts = f"{seen.done} of {len(request.texts)} prompts" if len(request.texts) > 1 else "one prompt"
    said = f"KL(steered ‖ baseline) of the next token, mean over {prompts}; the band holds the middle half of them."
    return {
        **shift_plots(tab, seen, labels, earlier),
        **tab.figures.noted(0, said if len(request.texts) > 1 else said.split(", mean")[0] + ", one prompt.",
                            markup.numbers_link(f"{seen.name}-next-token", header, lines)),
        **tab.figures.noted(1, "Mean probability of the likeliest next tokens at any scale; 0 is the baseline."),
    }


def _spread(seen: Shifts) -> tuple[list[float], list[float]]:
    """The middle half of the prompts at every scale."""
    low, high = [], []
    for column in zip(*seen.kl_prompts, strict=True):
        ordered = sorted(column)
        low.append(ordered[len(ordered) // 4])
        high.append(ordered[-1 - len(ordered) // 4])
    return low, high


def compared(tab: MeasureTab, seen: Comparison) -> Updates:
    """Cosines, angles, spectra."""
    pairs = closest(seen)
    said = "; ".join(f"{left} and {right} {cosine:+.2f}" for left, right, cosine in pairs[:3])
    said = f"Closest: {said}." if said else "All of them are orthogonal to each other."
    said = " ".join([said, *seen.notes])
    total = len(seen.cosines)
    matrix = ""
    if total <= _MOST_NUMBERS:
        names = [seen.name(index) for index in range(total)]
        lines = [[name, *(f"{x:.5f}" for x in row)] for name, row in zip(names, seen.cosines.tolist(), strict=True)]
        matrix = markup.numbers_link("cosines", ["vector", *names], lines)
    elif total > compare_plots.MOST_CELLS:
        said += " Neighbouring vectors share a cell, which shows their largest cosine."
    angles = [
        [seen.sets[pair.first].name, seen.sets[pair.second].name, *(f"{angle:.6g}" for angle in pair.angles.tolist())]
        for pair in seen.angles
    ]
    spectra = [
        [compared.name, row, compared.quantity, f"{value:.6g}"]
        for compared in seen.sets
        for row, value in zip(compared.rows, compared.spectrum.tolist(), strict=True)
    ]
    angle_link = markup.numbers_link("principal-angles", ["set", "other set", "angles / rad"], angles) if angles else ""
    return {
        **tab.figures.drawn(compare_plots.cosines(seen), compare_plots.angles(seen), compare_plots.spectra(seen)),
        tab.figures.titles[0]: title(f"Cosines of {total} vectors"),
        **tab.figures.noted(0, said, matrix),
        **tab.figures.noted(1, "0°: a direction that both sets span; 90°: a new one." if angles else "", angle_link),
        **tab.figures.noted(2, "", markup.numbers_link("spectra", ["set", "vector", "quantity", "value"], spectra)),
    }


_MOST_NUMBERS = 300
"""Rows whose cosines the page carries as numbers; more would be megabytes."""
