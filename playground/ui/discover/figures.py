"""Figures of a method in the Discover tab, during a run and for its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.methods.base.method import Figure, Method
from playground.methods.base.progress import FindProgress, FindResult
from playground.methods.base.registry import columns
from playground.methods.base.request import FindRequest
from playground.ui.discover import find_plots, ortho_plots
from playground.ui.kit import markup, plots

MOST = 4
"""Figures of a method, at most; two stand side by side."""
BATCH, END = "batch", "done"


@dataclass(frozen=True)
class Figures:
    """Components: plots with titles in rows of two, and a note under them."""

    rows: tuple[gr.Row, ...]
    cards: tuple[gr.Column, ...]
    titles: tuple[gr.HTML, ...]
    plots: tuple[gr.Plot, ...]
    note: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """All components that updates may write to."""
        return [*self.rows, *self.cards, *self.titles, *self.plots, self.note]

    def empty(self, method: Method) -> dict[Any, Any]:
        """Updates that show empty figures of this method."""
        shown: dict[Any, Any] = {self.note: ""}
        for number, row in enumerate(self.rows):
            shown[row] = gr.update(visible=len(method.figures) > 2 * number)
        for number, card in enumerate(self.cards):
            shown[card] = gr.update(visible=len(method.figures) > number)
        for figure, head, plot in zip(method.figures, self.titles, self.plots, strict=False):
            shown |= {head: title(figure.title), plot: _waiting(figure)}
        return shown


def title(text: str) -> str:
    """The title of a figure as HTML."""
    return f'<div class="sp-cardhead"><h2>{markup.escape(text)}</h2></div>'


def build(method: Method) -> Figures:
    """The components, with empty figures of `method`."""
    rows, cards, titles, drawn = [], [], [], []
    for number in range(0, MOST, 2):
        visible = len(method.figures) > number
        with gr.Row(elem_classes="sp-effects", visible=visible, elem_id=f"discover-figures-{number}") as row:
            for place in (number, number + 1):
                figure = method.figures[place] if place < len(method.figures) else None
                there = figure is not None
                with gr.Column(min_width=280, elem_classes="sp-card sp-figure", visible=there) as card:
                    titles.append(gr.HTML(title("" if figure is None else figure.title)))
                    start = plots.waiting("") if figure is None else _waiting(figure)
                    drawn.append(
                        gr.Plot(start, show_label=False, container=False, elem_id=f"discover-figure-{place}")
                    )
                cards.append(card)
        rows.append(row)
    note = gr.HTML("", elem_id="discover-figures-note", elem_classes="sp-quiet")
    return Figures(tuple(rows), tuple(cards), tuple(titles), tuple(drawn), note)


@dataclass
class RunFigures:
    """The values that a run has reported, and the updates of the figures that show them."""

    figures: Figures
    request: FindRequest
    history: list[tuple[int, Mapping[str, list[float]]]] = field(default_factory=list)
    """(step, values by name) of the current batch, or of the last one."""
    under_way: bool = False
    """Whether the rows of that batch are not among the finished ones yet."""
    finished: dict[str, list[float]] = field(default_factory=dict)
    """Values of all finished rows, by name."""
    marks: dict[str, float] = field(default_factory=dict)
    batch: int | None = None
    result: FindResult | None = None

    def latest(self, name: str) -> list[float]:
        """Values of the rows of the current batch at its last step."""
        return list(self.history[-1][1].get(name, ())) if self.under_way else []

    def steps(self, name: str, factor: float = 1.0) -> list[tuple[int, list[float]]]:
        """(step, values) of the current batch."""
        return [(step, [factor * one for one in values[name]]) for step, values in self.history if name in values]

    def add(self, events: Sequence[FindProgress]) -> dict[Any, Any]:
        """Record events; returns the updates of the figures that they change."""
        stages = set()
        for event in events:
            values = {name: tensor.tolist() for name, tensor in event.values.items()}
            self.marks |= dict(event.marks)
            if event.stage == "iterate" and values:
                if event.batch != self.batch:
                    self.batch, self.history = event.batch, []
                self.history.append((event.step, values))
                self.under_way = True
                stages.add("iterate")
            elif event.stage == BATCH:
                self.finished, self.under_way = values, False
                stages.add(BATCH)
        return self._drawn(stages) if stages else {}

    def finish(self, result: FindResult) -> dict[Any, Any]:
        """Record the result; returns the updates of the figures and of the note."""
        self.result, vector_set = result, result.vector_set
        self.marks |= dict(result.marks)
        self.under_way = False
        values = {column.title: vector_set.value(column.name) for column in columns()}
        table = {name: tensor.tolist() for name, tensor in values.items() if tensor is not None}
        self.finished = {
            column.name: table[column.title] for column in columns() if column.title in table
        } | {"norms": vector_set.native_norms.tolist()}  # fmt: skip
        if self.request.by.norm != "unit" or not table:
            table["native norm"] = vector_set.native_norms.tolist()
        rows = [[f"{value:.6g}" for value in row] for row in zip(*table.values(), strict=True)]
        numbers = markup.numbers_link(
            f"{vector_set.name}-values", ["vector", *table], [[i, *row] for i, row in enumerate(rows)]
        )
        note = f'<div class="sp-under-plot"><span>{markup.escape_sentence(result.note)}</span>{numbers}</div>'
        return {**self._drawn({END}), self.figures.note: note}

    def _drawn(self, stages: set[str]) -> dict[Any, Any]:
        shown = {}
        for figure, plot in zip(self.request.by.figures, self.figures.plots, strict=False):
            draw, when = DRAWN[figure.kind]
            if stages & when:
                shown[plot] = draw(figure, self)
        return shown


def _waiting(figure: Figure) -> Any:
    """The figure before there are values."""
    if figure.wait:
        return plots.waiting(figure.wait)
    draw, _ = DRAWN[figure.kind]
    return draw(figure, None)


def _lines(figure: Figure, run: RunFigures | None, factor: float = 1.0) -> Any:
    history = [] if run is None else run.steps(figure.values, factor)
    return find_plots.climb(history, figure.quantity, "no. ")


def _shares(figure: Figure, run: RunFigures | None) -> Any:
    return _lines(figure, run, 100.0)


def _bars(figure: Figure, run: RunFigures | None) -> Any:
    values = [] if run is None else run.finished.get(figure.values) or run.latest(figure.values)
    return find_plots.heights(values, figure.quantity)


def _convergence(figure: Figure, run: RunFigures | None) -> Any:
    history = [] if run is None else run.history
    return find_plots.convergence(
        [(step, values[figure.values], values["residuals"]) for step, values in history if "residuals" in values]
    )


def _spectrum(figure: Figure, run: RunFigures | None) -> Any:
    if run is None or run.result is None:
        return plots.waiting(figure.wait)
    vector_set = run.result.vector_set
    values, residuals = vector_set.value(figure.values), vector_set.value("residuals")
    listed = [] if values is None else values.tolist()
    return find_plots.spectrum(
        listed,
        [1.0] * len(listed) if residuals is None else residuals.tolist(),
        [(first, end) for first, end in vector_set.origin.parameters.get("subspaces", [])],
        run.request.settings.tolerance,
    )


def _effect_left(figure: Figure, run: RunFigures | None) -> Any:
    if run is None:
        return ortho_plots.effect_left([])
    done, latest = run.finished.get(figure.values, []), run.latest(figure.values)
    return ortho_plots.effect_left(
        [*done, *latest], run.marks.get("stop_share"), len(latest), run.finished.get("last_effects", [])
    )


def _divergence(figure: Figure, run: RunFigures | None) -> Any:
    if run is None:
        return ortho_plots.divergence([])
    return ortho_plots.divergence(run.finished.get(figure.values, []), run.marks.get("unsteered_divergence"))


def _norm(figure: Figure, run: RunFigures | None) -> Any:
    if run is None:
        return ortho_plots.norm([])
    return ortho_plots.norm(run.finished.get("norms", []), run.marks.get("base_norm"))


STEP: frozenset[str] = frozenset({"iterate"})
DRAWN: dict[str, tuple[Callable[[Figure, RunFigures | None], Any], frozenset[str]]] = {
    "lines": (_lines, STEP | {END}),
    "shares": (_shares, STEP),
    "bars": (_bars, STEP | {BATCH, END}),
    "convergence": (_convergence, STEP | {END}),
    "spectrum": (_spectrum, frozenset({END})),
    "effect_left": (_effect_left, STEP | {BATCH, END}),
    "divergence": (_divergence, frozenset({BATCH, END})),
    "norm": (_norm, frozenset({BATCH, END})),
}
"""Kind of a Figure → the function that draws it (None: without values), and the stages after which it is redrawn."""
