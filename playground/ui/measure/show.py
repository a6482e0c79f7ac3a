"""Page updates for a measurement: plots, notes, tables, pickers."""

from __future__ import annotations

from typing import Any, cast

import gradio as gr

from playground.analyses.analysis import Figure
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import SCALE_NAMES
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.compare.run import Comparison, closest
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesRequest
from playground.ui.kit import markup
from playground.ui.measure import compare_plots, tables
from playground.ui.measure.cards import title
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.figure import Seen, curves_of, divergence_of, draw, tokens_of
from playground.ui.measure.state import Look
from playground.ui.measure.view import named, x_of

Updates = dict[Any, Any]


def main(
    tab: MeasureTab, result: ScalesResult, look: Look | None, labels: Labels = UNLABELLED
) -> Updates:
    """Updates of the first plot of a result over scales, the only one drawn while it is measured."""
    return tab.figures.drawn(curves_of(Seen(result, look, None, labels), result.analysis.figures[0]))


def over_scales(
    tab: MeasureTab,
    result: ScalesResult,
    look: Look | None,
    earlier: ScalesResult | None = None,
    labels: Labels = UNLABELLED,
    only: str | None = None,
) -> Updates:
    """The plots of a result over scales: all, or those of one kind (`only`, as `Figure.draw` names them)."""
    shown: Updates = {}
    seen = Seen(result, look, earlier, labels)
    for place, figure in enumerate(result.analysis.figures):
        if only in (None, figure.draw):
            shown |= {tab.figures.plots[place]: draw(figure, seen), **_texts(tab, place, figure, seen)}
    return shown


def _texts(tab: MeasureTab, place: int, figure: Figure, seen: Seen) -> Updates:
    """Updates of the note under a plot of sets, and of the first title where groups of replies are drawn."""
    result = seen.result
    if figure.draw == "groups":
        group = cast(RepliesRequest, result.request).said_group(0)
        return {tab.figures.titles[0]: title(f"{result.analysis.figures[0].title}: {group}")}
    if figure.draw != "sets":
        return {}
    if seen.row is None:
        return {tab.figures.notes[place]: ""}
    return tab.figures.noted(
        place,
        f"At {SCALE_NAMES[result.request.unit]} {x_of(seen.row, result):g}, the scale that is looked at. The vector of "
        "a set is the one whose means span most over the scales; the random direction is picked in the same way.",
    )


def noted(
    tab: MeasureTab, result: ScalesResult, look: Look | None, file: str, labels: Labels = UNLABELLED
) -> Updates:
    """Updates of the notes under the plots, with the link to their numbers, which are downloaded as `file`."""
    shown: Updates = {}
    numbers = tables.scales_csv(result, file, labels)
    for place, note in enumerate(result.notes("" if look is None else labels.called(look.name))):
        shown |= tab.figures.noted(place, note, "" if place else numbers)
    return shown


def looked(tab: MeasureTab, result: ScalesResult, look: Look | None, labels: Labels = UNLABELLED) -> Updates:
    """Updates of the picker of the chosen vector, and of its items."""
    choices = [(labels.called(name), name) for name in named(result)]
    return {
        tab.look: gr.update(choices=choices, value=None if look is None else look.name, visible=True),
        tab.look_box: gr.update(visible=look is not None),
        tab.items: "" if look is None else tables.items(result, look, labels),
    }


def shift_plots(
    tab: MeasureTab, seen: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None
) -> Updates:
    """Updates of the plots of a mix: KL over multiples, and next tokens."""
    return tab.figures.drawn(divergence_of(seen, labels, earlier), tokens_of(seen))


def shifted(
    tab: MeasureTab, seen: Shifts, labels: Labels = UNLABELLED, earlier: Shifts | None = None
) -> Updates:
    """Updates of the plots of a mix, of the notes under them, and of the links to their numbers."""
    request, controls = seen.request, range(len(seen.controls))
    texts = [markup.visible_token(token.text) for token in seen.tokens]
    header = ["scale", "KL", *(f"KL random-{i}" for i in controls), *(f"p({text})" for text in texts), "label"]
    columns = [seen.kl, *seen.controls, *(token.probabilities for token in seen.tokens)]
    label = labels.of_recipe(request.recipe)
    lines = [
        [scale, *(f"{column[i]:.6g}" for column in columns), label] for i, scale in enumerate(request.multipliers)
    ]
    prompts = f"{seen.done} of {len(request.texts)} prompts" if len(request.texts) > 1 else "one prompt"
    note = f"KL(steered ‖ baseline) of the next token, mean over {prompts}; the band holds the middle half of them."
    return {
        **shift_plots(tab, seen, labels, earlier),
        **tab.figures.noted(0, note if len(request.texts) > 1 else note.split(", mean")[0] + ", one prompt.",
                            markup.numbers_link(f"{seen.name}-next-token", header, lines)),
        **tab.figures.noted(1, "Mean probability of the likeliest next tokens at any scale; 0 is the baseline."),
    }


def compared(tab: MeasureTab, seen: Comparison) -> Updates:
    """Updates of the plots of a comparison (cosines, angles, spectra), their notes and links to their numbers."""
    pairs = closest(seen)
    note = "; ".join(f"{left} and {right} {cosine:+.2f}" for left, right, cosine in pairs[:3])
    note = f"Closest: {note}." if note else "All of them are orthogonal to each other."
    note = " ".join([note, *seen.notes])
    total = len(seen.cosines)
    matrix = ""
    if total <= _MOST_NUMBERS:
        names = [seen.name(index) for index in range(total)]
        lines = [[name, *(f"{x:.5f}" for x in row)] for name, row in zip(names, seen.cosines.tolist(), strict=True)]
        matrix = markup.numbers_link("cosines", ["vector", *names], lines)
    elif total > compare_plots.MOST_CELLS:
        note += " Neighbouring vectors share a cell, which shows their largest cosine."
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
        **tab.figures.noted(0, note, matrix),
        **tab.figures.noted(1, "0°: a direction that both sets span; 90°: a new one." if angles else "", angle_link),
        **tab.figures.noted(2, "", markup.numbers_link("spectra", ["set", "vector", "quantity", "value"], spectra)),
    }


_MOST_NUMBERS = 300
"""Rows whose cosines the page carries as numbers; more would be megabytes."""
