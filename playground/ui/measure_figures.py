"""The plots of the Measure tab: which of them a kind of measurement has, and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.ui import markup, plots
from playground.ui.measure_form import CHOICES, COMPARE, EXACT, NEXT, REPLIES

TITLES: dict[str, tuple[str, ...]] = {
    CHOICES: ("Logit difference", "Items on which the behaviour wins", "Items, scale by scale", "Items, set by set"),
    EXACT: ("Accuracy",),
    REPLIES: ("Replies", "Replies by group"),
    NEXT: ("KL from the baseline", "Next tokens"),
    COMPARE: ("Cosines", "Principal angles", "Spectra"),
}
WAITS: dict[str, tuple[str, ...]] = {
    CHOICES: (
        "Measure draws the mean logit difference of every vector here,<br>beside random directions of equal norm.",
        "The share of items on which<br>the behaviour's answer is the likelier one.",
        "A violin a scale over single items:<br>click a point to open its item.",
        "A violin a vector set, for its best vector,<br>beside the best random direction.",
    ),
    EXACT: ("Measure draws the part of right answers here,<br>beside random directions of equal norm.",),
    REPLIES: (
        "Measure draws here how many replies give the behaviour's answer,<br>or match the first pattern.",
        "The share of every group of replies,<br>for the vector that is looked at.",
    ),
    NEXT: (
        "Measure draws KL(steered ‖ baseline) here,<br>beside random directions of equal norm.",
        "Probabilities of the next tokens, scale by scale.",
    ),
    COMPARE: (
        "Measure draws the cosines between all chosen vectors here.",
        "Choose a second set: the angles between<br>what the two span are drawn here.",
        "σ, objective or norm of every vector.",
    ),
}


@dataclass(frozen=True)
class MeasureFigures:
    """Four cards: title, plot and note each. The last two are as wide as the first two together."""

    cards: tuple[gr.Column, ...]
    titles: tuple[gr.HTML, ...]
    plots: tuple[gr.Plot, ...]
    notes: tuple[gr.HTML, ...]

    @property
    def outputs(self) -> list[Any]:
        return [*self.cards, *self.titles, *self.plots, *self.notes]

    def empty(self, kind: str) -> dict[Any, Any]:
        """Updates that show the plots of this kind, waiting."""
        shown: dict[Any, Any] = {}
        for place, card in enumerate(self.cards):
            there = place < len(TITLES[kind])
            shown |= {card: gr.update(visible=there), self.notes[place]: ""}
            if there:
                shown[self.titles[place]] = title(TITLES[kind][place])
                shown[self.plots[place]] = plots.waiting(WAITS[kind][place], HEIGHT)
        return shown

    def drawn(self, *figures: Any) -> dict[Any, Any]:
        """Updates that show these figures, from the first on."""
        return dict(zip(self.plots, figures, strict=False))

    def noted(self, place: int, said: str, numbers: str = "") -> dict[Any, Any]:
        """What stands under a plot: a sentence, and the link to its numbers."""
        return {self.notes[place]: f'<div class="sp-under-plot"><span>{markup.escape(said)}</span>{numbers}</div>'}


HEIGHT = 300


def title(text: str) -> str:
    return f'<div class="sp-cardhead"><h3>{markup.escape(text)}</h3></div>'


def build(kind: str) -> MeasureFigures:
    """The components, waiting for `kind`. Points of plots in sp-points open what they carry (page.js)."""
    cards, titles, drawn, notes = [], [], [], []

    def card(place: int, name: str) -> None:
        with gr.Column(min_width=300, elem_classes="sp-card sp-figure sp-points", elem_id=f"{name}-card") as box:
            titles.append(gr.HTML(title(TITLES[kind][place])))
            drawn.append(
                gr.Plot(
                    plots.waiting(WAITS[kind][place], HEIGHT), show_label=False, container=False, elem_id=name
                )
            )
            notes.append(gr.HTML("", elem_id=f"{name}-note", elem_classes="sp-quiet"))
        cards.append(box)

    with gr.Row(elem_classes="sp-effects"):
        card(0, "measure-plot")
        card(1, "measure-plot-second")
    card(2, "measure-plot-items")
    card(3, "measure-plot-sets")
    return MeasureFigures(tuple(cards), tuple(titles), tuple(drawn), tuple(notes))
