"""Page updates for a measurement: plots, notes, tables, pickers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from playground.analyses.choices.result import MeasureResult
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import SCALE_NAMES
from playground.analyses.common.table import RANDOM, SetTable, set_table
from playground.analyses.compare.run import Comparison, closest
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesRequest, RepliesResult
from playground.errors import InputError
from playground.ui import compare_plots, markup, measure_plots, measure_tables, plots
from playground.ui.measure_figures import title
from playground.ui.measure_layout import MeasureTab
from playground.ui.measure_plots import Axes, Curve
from playground.ui.measure_view import (
    Look,
    Result,
    curves,
    group_of,
    main_axes,
    mean_of,
    mix_name,
    multiple_axis,
    named,
    random_rows,
    row_at,
    scale_axis,
    share_of,
    x_of,
)
from playground.ui.tables import METHOD_NAMES

Updates = dict[Any, Any]


def main(
    tab: MeasureTab, result: Result, look: Look | None, beside: Curve | None = None, labels: Labels = UNLABELLED
) -> Updates:
    """The main plot of choices, exact answers or replies: all that is drawn while they are measured."""
    name, vectors, controls = _drawn(result, look)
    return tab.figures.drawn(
        measure_plots.over_scales(
            curves(result, vectors, mean_of, labels), curves(result, controls, mean_of), mean_of(result.baseline)[0],
            name, main_axes(result), beside,
        )
    )


def over_scales(
    tab: MeasureTab,
    result: Result,
    look: Look | None,
    earlier: Result | None = None,
    labels: Labels = UNLABELLED,
) -> Updates:
    """Every plot of choices, exact answers or replies."""
    name, vectors, controls = _drawn(result, look)
    mean, share = _earlier(result, earlier, name, labels)
    shown = main(tab, result, look, mean, labels)
    if isinstance(result, RepliesResult):
        return shown | _groups(tab, result, name)
    if not isinstance(result, MeasureResult):
        return shown
    shares = measure_plots.over_scales(
        curves(result, vectors, share_of, labels), curves(result, controls, share_of), result.baseline.share, name,
        Axes(scale_axis(result), "share of items", share=True), share,
    )
    shown |= {tab.figures.plots[1]: shares, tab.figures.plots[2]: _violins(result, name)}
    return shown | sets_beside(tab, result, look, earlier, labels)


def sets_beside(
    tab: MeasureTab, result: MeasureResult, look: Look | None, earlier: Result | None, labels: Labels
) -> Updates:
    """The plot of sets side by side at the scale that is looked at, and what is to be said about it."""
    scale = None if look is None or row_at(result, look) is None else x_of(row_at(result, look), result)
    if scale is None:
        nothing = measure_plots.items_over_sets([], 0.0, [], Axes("", ""))
        return {tab.figures.plots[3]: nothing, tab.figures.notes[3]: ""}
    said = (
        f"At {SCALE_NAMES[result.request.unit]} {scale:g}, the scale that is looked at. The "
        "vector of a set is the one whose means span most over the scales; the random direction is picked in the same "
        "way."
    )
    return {tab.figures.plots[3]: set_by_set(result, scale, earlier, labels), **tab.figures.noted(3, said)}


def set_by_set(
    result: MeasureResult, scale: float, earlier: Result | None = None, labels: Labels = UNLABELLED
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
        method = f"best of {line.tried} random" if random else METHOD_NAMES.get(line.method, line.method)
        violins.append(measure_plots.Violin(labels.called(line.name), method, best.differences, opens, random))
    axes = Axes("best vector of each set", "logit difference / nats")
    numbers = [item.number for item in result.items]
    return measure_plots.items_over_sets(violins, result.baseline.mean, numbers, axes)


def _table(result: MeasureResult, earlier: Result | None) -> SetTable:
    """The sets of a measurement, and of an earlier one where the two compare."""
    if isinstance(earlier, MeasureResult):
        try:
            return set_table([result, earlier])
        except InputError:
            pass  # the table beneath says why
    return set_table([result])


def _groups(tab: MeasureTab, result: RepliesResult, name: str) -> Updates:
    """The title of the main plot, and the plot of every group of replies of the vector that is looked at."""
    rows, axes = named(result).get(name, []), Axes(scale_axis(result), "share of replies", share=True)
    lines = []
    for place, group in enumerate(result.request.groups):
        lines += [replace(curve, called=group) for curve in curves(result, [rows] if rows else [], group_of(place))]
    return {
        tab.figures.titles[0]: title(f"Replies: {said_group(result.request, 0)}"),
        tab.figures.plots[1]: measure_plots.groups_over_scales(lines, axes),
    }


def said_group(request: RepliesRequest, place: int) -> str:
    """What a group of replies is, for a person to read."""
    name = request.groups[place]
    if request.patterns:
        return name
    return {"matching": "the behaviour’s answer", "other": "the other answer"}.get(name, name)


def _drawn(result: Result, look: Look | None) -> tuple[str, list[Any], list[Any]]:
    """What is looked at, the rows of every vector, and those of random directions at its layer."""
    row = None if look is None else row_at(result, look)
    controls = random_rows(result, None if row is None else row.layer)
    return "" if look is None else look.name, list(named(result).values()), controls


def _violins(result: MeasureResult, name: str) -> Any:
    rows = named(result).get(name, [])
    return measure_plots.items_over_scales(
        name,
        [x_of(row, result) for row in rows],
        [row.differences for row in rows],
        [item.number for item in result.items],
        Axes(scale_axis(result), "logit difference / nats"),
    )


def _earlier(
    result: Result, earlier: Result | None, name: str, labels: Labels
) -> tuple[Curve | None, Curve | None]:
    """Mean and share of the same vector in an earlier measurement, on the axis of this one; of its first one where it
    is not there.
    """
    groups = {} if earlier is None else named(earlier)
    if earlier is None or not groups:
        return None, None
    rows = groups.get(name) or next(iter(groups.values()))
    values = (mean_of, share_of if isinstance(result, MeasureResult) else mean_of)
    (mean,), (share,) = (curves(result, [rows], value, labels) for value in values)
    return mean, share


def noted(
    tab: MeasureTab, result: Result, look: Look | None, file: str, labels: Labels = UNLABELLED
) -> Updates:
    """What is to be said about the plots, and their numbers, which are downloaded as `file`."""
    numbers = measure_tables.scales_csv(result, file, labels)
    if isinstance(result, RepliesResult):
        request = result.request
        many = "" if request.samples == 1 else f", {request.samples} replies to each"
        read = "; ".join(f"{pattern.name}: {pattern.regex}" for pattern in request.patterns) or (
            "matching: the reply gives the behaviour’s answer; other: the other one; unclear: neither, or both"
        )
        said = f"{len(request.items)} items of {request.prompts.name}{many}. Bands are 95 % intervals (Wilson)."
        whose = "" if look is None else f"For {labels.called(look.name)}. "
        return tab.figures.noted(0, said, numbers) | tab.figures.noted(1, f"{whose}{read}.")
    if not isinstance(result, MeasureResult):
        silent = max((row.silent for row in result.rows if row.kind == "vector"), default=0.0)
        said = (
            f"{len(result.request.items)} questions of {result.request.questions.name}; a reply answers with its last "
            f"number, up to {100 * silent:.0f} % of a vector's replies had none. Bands are 95 % intervals (Wilson)."
        )
        return tab.figures.noted(0, said, numbers)
    by = {"logit": "by the logits of one token", "log-probability": "by the log-probability of whole answers"}
    compared = by.get(result.by, "by logits where one token tells them apart, else by whole answers")
    letters = " and ".join(f"{count} {letter}" for letter, count in result.letters)
    said = f"{len(result.items)} items of {result.request.choices.name}, compared {compared}"
    said += f"; balanced by letter ({letters})" if letters else ""
    skipped = "; ".join(f"{count} skipped: {reason}" for reason, count in result.skipped_reasons().items())
    said += f"; {skipped}" if skipped else "; none skipped"
    shown = tab.figures.noted(0, f"{said}. Bands are 95 % bootstrap intervals over items.", numbers)
    shown |= tab.figures.noted(1, "Items whose logit difference is above 0.")
    name = "" if look is None else labels.called(look.name)
    shown |= tab.figures.noted(2, f"Every point is an item, for {name}; click one to open it.")
    return shown


def looked(tab: MeasureTab, result: Result, look: Look | None, labels: Labels = UNLABELLED) -> Updates:
    """The picker of what is looked at, and its items."""
    choices = [(labels.called(name), name) for name in named(result)]
    return {
        tab.look: gr.update(choices=choices, value=None if look is None else look.name, visible=True),
        tab.look_box: gr.update(visible=look is not None),
        tab.items: "" if look is None else measure_tables.items(result, look, labels),
    }


def shift_plots(
    tab: MeasureTab, seen: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None
) -> Updates:
    """KL over multiples of a mix, and the tokens."""
    name, axis, scales = mix_name(seen), multiple_axis(seen), list(seen.request.multipliers)
    kl, before = _divergence(seen, labels), None if earlier is None else _divergence(earlier, labels)
    controls = [Curve(f"random-{i}", scales, row, row, row) for i, row in enumerate(seen.controls)]
    texts = [plots.plain(markup.visible_token(token.text)) for token in seen.tokens]
    return tab.figures.drawn(
        measure_plots.over_scales([kl], controls, 0.0, name, Axes(axis, "KL(steered ‖ baseline) / nats"), before),
        measure_plots.tokens_over_scales(texts, [token.probabilities for token in seen.tokens], scales, axis),
    )


def _divergence(seen: Shifts, labels: Labels) -> Curve:
    name = mix_name(seen)
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
                            markup.numbers_link(f"{mix_name(seen)}-next-token", header, lines)),
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
