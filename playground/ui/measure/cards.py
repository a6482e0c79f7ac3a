"""Plot cards of the Measure tab: title, plot and note of each figure of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.analyses.analysis import Analysis
from playground.ui.kit import markup, plots


@dataclass(frozen=True)
class PlotCards:
    """Four cards: title, plot and note each. The last two are as wide as the first two together."""

    cards: tuple[gr.Column, ...]
    titles: tuple[gr.HTML, ...]
    plots: tuple[gr.Plot, ...]
    notes: tuple[gr.HTML, ...]

    @property
    def outputs(self) -> list[Any]:
        """Every component of the cards."""
        return [*self.cards, *self.titles, *self.plots, *self.notes]

    def empty(self, analysis: Analysis) -> dict[Any, Any]:
        """Updates that show the cards of an analysis without data."""
        shown: dict[Any, Any] = {}
        for place, card in enumerate(self.cards):
            there = place < len(analysis.figures)
            shown |= {card: gr.update(visible=there), self.notes[place]: ""}
            if there:
                shown[self.titles[place]] = title(analysis.figures[place].title)
                shown[self.plots[place]] = plots.waiting(analysis.figures[place].waits, HEIGHT)
        return shown

    def drawn(self, *figures: Any) -> dict[Any, Any]:
        """Updates that show these figures, from the first on."""
        return dict(zip(self.plots, figures, strict=False))

    def noted(self, place: int, note: str, numbers: str = "") -> dict[Any, Any]:
        """Updates of the note under a plot: a text, and the link to its numbers."""
        said = markup.escape_sentence(note)
        return {self.notes[place]: f'<div class="sp-under-plot"><span>{said}</span>{numbers}</div>'}


HEIGHT = 300


def title(text: str) -> str:
    """The title of a card, as HTML."""
    return f'<div class="sp-cardhead"><h2>{markup.escape(text)}</h2></div>'


def build(analysis: Analysis) -> PlotCards:
    """The cards, without data. A click on a point of a plot in sp-points opens its customdata (page.js)."""
    cards, titles, drawn, notes = [], [], [], []

    def card(place: int, name: str) -> None:
        figure = analysis.figures[place]
        with gr.Column(min_width=300, elem_classes="sp-card sp-figure sp-points", elem_id=f"{name}-card") as box:
            titles.append(gr.HTML(title(figure.title)))
            plot = plots.waiting(figure.waits, HEIGHT)
            drawn.append(gr.Plot(plot, show_label=False, container=False, elem_id=name))
            notes.append(gr.HTML("", elem_id=f"{name}-note", elem_classes="sp-quiet"))
        cards.append(box)

    with gr.Row(elem_classes="sp-effects"):
        card(0, "measure-plot")
        card(1, "measure-plot-second")
    card(2, "measure-plot-items")
    card(3, "measure-plot-sets")
    return PlotCards(tuple(cards), tuple(titles), tuple(drawn), tuple(notes))
