"""The figures of the Discover tab: which a method has, and what they show while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.services.find import FindProgress, FindRequest, FindResult
from playground.ui import find_plots, markup, ortho_plots, plots
from playground.ui.discover_method import LAYERED

TITLES = {
    "power": ("Convergence", "Spectrum"),
    "melbo": ("Ascent", "Displacement"),
    "ortho": ("This batch", "Effect left"),
}
WAIT = {
    "power": "The singular values come here:<br>how much the model amplifies each direction.",
    "melbo": "How far each vector moves<br>the target layer comes here.",
}


@dataclass(frozen=True)
class Figures:
    """Two figures for every method that reads an effect, two more for MELBO-ortho, and a line under them."""

    row: gr.Row
    live_title: gr.HTML
    live: gr.Plot
    values_title: gr.HTML
    values: gr.Plot
    ortho_row: gr.Row
    divergence: gr.Plot
    norm: gr.Plot
    note: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        return [
            self.row, self.live_title, self.live, self.values_title, self.values, self.ortho_row, self.divergence,
            self.norm, self.note,
        ]

    def empty(self, method: str) -> dict[Any, Any]:
        """Updates that show what this method will draw."""
        titles = TITLES.get(method, ("", ""))
        ortho = method == "ortho"
        shown: dict[Any, Any] = {
            self.row: gr.update(visible=method in LAYERED),
            self.ortho_row: gr.update(visible=ortho),
            self.live_title: title(titles[0]),
            self.values_title: title(titles[1]),
            self.note: "",
            self.live: first_live(method),
            self.values: ortho_plots.effect_left([]) if ortho else plots.waiting(WAIT.get(method, "")),
        }
        if ortho:
            shown |= {self.divergence: ortho_plots.divergence([]), self.norm: ortho_plots.norm([])}
        return shown


def title(text: str) -> str:
    return f'<div class="sp-cardhead"><h3>{markup.escape(text)}</h3></div>'


def first_live(method: str) -> Any:
    if method == "power":
        return find_plots.convergence([])
    if method == "ortho":
        return plots.waiting("The effect left of every vector of a batch<br>is drawn here, step by step.")
    return find_plots.climb([], "displacement")


def build(method: str) -> Figures:
    """The components, waiting for `method`."""
    titles = TITLES[method]
    with gr.Row(elem_classes="sp-effects") as row:
        with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
            live_title = gr.HTML(title(titles[0]))
            live = _plot(first_live(method), "discover-convergence")
        with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
            values_title = gr.HTML(title(titles[1]))
            values = _plot(plots.waiting(WAIT[method]), "discover-spectrum")
    with gr.Row(elem_classes="sp-effects", visible=False, elem_id="discover-ortho-figures") as ortho_row:
        with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
            gr.HTML(title("KL to the base"))
            divergence = _plot(ortho_plots.divergence([]), "discover-divergence")
        with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
            gr.HTML(title("Norm"))
            norm = _plot(ortho_plots.norm([]), "discover-norm")
    note = gr.HTML("", elem_id="discover-spectrum-note", elem_classes="sp-quiet")
    return Figures(row, live_title, live, values_title, values, ortho_row, divergence, norm, note)


def _plot(figure: Any, name: str) -> gr.Plot:
    return gr.Plot(figure, show_label=False, container=False, elem_id=name)


@dataclass
class Course:
    """What a run has said so far, and the figures that show it."""

    figures: Figures
    request: FindRequest
    base_norm: float | None = None
    history: list[tuple[Any, ...]] = field(default_factory=list)
    batch: int | None = None
    effects: list[float] = field(default_factory=list)
    """Of all finished vectors of MELBO-ortho, and below at the last tokens."""
    last_effects: list[float] = field(default_factory=list)

    def take(self, events: Sequence[FindProgress]) -> dict[Any, Any]:
        """Updates for what these events bring; nothing when they bring nothing to draw."""
        method, shown = self.request.method, {}
        for event in events:
            if event.stage == "batch" and event.effect is not None:
                self.effects, self.history = event.effect.tolist(), []
                self.last_effects = event.last_effects.tolist()
                shown |= {
                    self.figures.divergence: ortho_plots.divergence(
                        event.divergences.tolist(), event.unsteered_divergence
                    ),
                    self.figures.norm: ortho_plots.norm(event.norms.tolist(), self.base_norm),
                    self.figures.values: ortho_plots.effect_left(
                        self.effects, self.request.stop_share, last_effects=self.last_effects
                    ),
                }
            if event.stage != "iterate":
                continue
            if method == "power" and event.singular_values is not None and event.residuals is not None:
                self.history.append((event.step, event.singular_values.tolist(), event.residuals.tolist()))
            elif method == "melbo" and event.displacement is not None:
                self.history.append((event.step, event.displacement.tolist()))
            elif method == "ortho" and event.effect is not None:
                if event.batch != self.batch:
                    self.batch, self.history = event.batch, []
                self.history.append((event.step, [100 * value for value in event.effect.tolist()]))
        if self.history and any(event.stage == "iterate" for event in events):
            shown |= self._live()
        return shown

    def _live(self) -> dict[Any, Any]:
        if self.request.method == "power":
            return {self.figures.live: find_plots.convergence(self.history)}
        if self.request.method == "melbo":
            return {
                self.figures.live: find_plots.climb(self.history, "displacement at the target", "no. "),
                self.figures.values: find_plots.heights(self.history[-1][1], "displacement at the target"),
            }
        latest = self.history[-1][1]
        return {
            self.figures.live: find_plots.climb(self.history, "effect left / %", "no. "),
            self.figures.values: ortho_plots.effect_left(
                [*self.effects, *(value / 100 for value in latest)],
                self.request.stop_share,
                len(latest),
                self.last_effects,
            ),
        }

    def ended(self, result: FindResult) -> dict[Any, Any]:
        """Updates that show what was found, and what is to be said about it."""
        shown, said, columns = _ENDINGS[self.request.method](self, result)
        names = list(columns)
        rows = [[f"{value:.6g}" for value in row] for row in zip(*columns.values(), strict=True)]
        numbers = markup.numbers_link(
            f"{result.vector_set.name}-values", ["vector", *names], [[i, *row] for i, row in enumerate(rows)]
        )
        note = f'<div class="sp-under-plot"><span>{markup.escape(said)}</span>{numbers}</div>'
        return {**shown, self.figures.note: note}


Ending = tuple[dict[Any, Any], str, dict[str, list[float]]]


def _power(course: Course, result: FindResult) -> Ending:
    spectrum = result.spectrum
    values, residuals = spectrum.singular_values.tolist(), spectrum.residuals.tolist()
    groups = [f"{a}–{b - 1}" for a, b in spectrum.subspaces if b - a > 1]
    said = "Converged" if spectrum.converged else "Not converged, values may be off: paler bars are above the tolerance"
    if groups:
        said += f"; {', '.join(groups)} lie within 5 % of each other: there only the subspace is determined"
    shown = {
        course.figures.live: find_plots.convergence(course.history),
        course.figures.values: find_plots.spectrum(values, residuals, spectrum.subspaces, course.request.tolerance),
    }
    return shown, said + ".", {"singular value": values, "residual": residuals}


def _melbo(course: Course, result: FindResult) -> Ending:
    found = result.vector_set
    radius, residual = float(found.native_norms[0]), found.origin.residual_norm
    displacements = (found.displacements if found.displacements is not None else found.objective).tolist()
    shown = {
        course.figures.live: find_plots.climb(course.history, "displacement at the target", "no. "),
        course.figures.values: find_plots.heights(displacements, "displacement at the target"),
    }
    said = f"Radius {radius:.3g}, relative {radius / residual:.2g}; largest displacement {max(displacements):.3g}."
    return shown, said, {"displacement": displacements, "objective": found.objective.tolist()}


def _ortho(course: Course, result: FindResult) -> Ending:
    found = result.vector_set
    effects, norms = found.effects.tolist(), found.native_norms.tolist()
    divergences, ends = found.divergences.tolist(), found.last_effects.tolist()
    why = {
        "count": "as many as were asked for",
        "effect": f"the effect left fell under {100 * course.request.stop_share:g} %",
        "space": "no dimension is left",
        "cancel": "stopped",
    }.get(result.stopped or "", "")
    base = None if found.base is None else float(found.base.norm())
    shown = {
        course.figures.values: ortho_plots.effect_left(effects, course.request.stop_share, last_effects=ends),
        course.figures.divergence: ortho_plots.divergence(
            divergences, found.origin.parameters.get("unsteered_divergence")
        ),
        course.figures.norm: ortho_plots.norm(norms, base),
    }
    said = f"{found.rows} vectors: {why}. The first keeps {100 * effects[0]:.0f} % of the effect, the last "
    said += f"{100 * effects[-1]:.0f} %."
    said += f" At the last tokens the first keeps {100 * ends[0]:.0f} %, the last {100 * ends[-1]:.0f} %."
    numbers = {"effect left": effects, "effect left at the last tokens": ends}
    return shown, said, numbers | {"KL to the base / nats": divergences, "native norm": norms}


def _difference(course: Course, result: FindResult) -> Ending:
    norm, residual = float(result.vector_set.native_norms[0]), result.vector_set.origin.residual_norm
    said = f"Native norm {norm:.3g}, relative {norm / residual:.2g}: adding it once turns one mean into the other."
    return {}, said, {"native norm": [norm]}


def _random(course: Course, result: FindResult) -> Ending:
    said = "Random directions have no singular values; they are a control of equal norm."
    return {}, said, {"native norm": result.vector_set.native_norms.tolist()}


_ENDINGS = {"power": _power, "melbo": _melbo, "ortho": _ortho, "difference": _difference, "random": _random}
