"""Panel that calibrates a vector set: search for scales, and the linear radius of a vector. Results go into the set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.core.linear_radius import HALF
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.command import radius_command, scales_command
from playground.services.jobs import JobContext
from playground.services.linearity import Linearity, LinearityRequest, linearity, with_linear_radii
from playground.ui.kit import defaults, markup, plots
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import EVENT, UNCHECKED, follow, long
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.linearity_plot import linearity as linearity_plot
from playground.ui.widgets.scale_search import progress_line, scales_of, scales_summary, with_scales_of

WAIT = "What a push really moves the target layer by, beside the straight line R·σ, is drawn here."


@dataclass(frozen=True)
class Share:
    """Progress event of a measurement, for the status line. `share` is from 0 to 1."""

    share: float


@dataclass(frozen=True)
class LinearityPanel:
    """The components."""

    box: gr.Accordion
    row: gr.Number
    measure: gr.Button
    calibrate: gr.Button
    plot: gr.Plot
    note: gr.HTML

    @property
    def results(self) -> list[Any]:
        """The components that `cleared` writes to."""
        return [self.row, self.plot, self.note]

    def cleared(self) -> dict[Any, Any]:
        """Updates that clear the results of another set."""
        return {self.row: 0, self.plot: plots.waiting(WAIT), self.note: ""}


def build(place: str) -> LinearityPanel:
    """The components; `place` is the prefix of their ids."""
    title = "Calibrate: which scale to try, and how far a vector is linear"
    with gr.Accordion(title, open=False, elem_id=f"{place}-linearity") as box:
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            row = gr.Number(
                0, label="Vector", precision=0, minimum=0, elem_id=f"{place}-linearity-row", min_width=90,
                info="which one is measured",
            )
            measure = gr.Button("How far is it linear?", elem_id=f"{place}-measure", min_width=150, scale=0)
            calibrate = gr.Button("Calibrate scale", elem_id=f"{place}-calibrate", min_width=130, scale=0)
        plot = gr.Plot(plots.waiting(WAIT), show_label=False, container=False, elem_id=f"{place}-linearity-plot")
        note = gr.HTML("", elem_id=f"{place}-linearity-note", elem_classes="sp-quiet")
    return LinearityPanel(box, row, measure, calibrate, plot, note)


def wire(
    frame: Frame,
    panel: LinearityPanel,
    chosen: Callable[[Visitor], VectorSet],
    changed: Callable[[Visitor, VectorSet, Callable[[VectorSet], VectorSet]], dict[Any, Any]],
    outputs: list[Any],
    saved_as: Callable[[Visitor], str | None],
) -> None:
    """Attach the event handlers.

    `chosen` gives the set of a visitor. `changed` applies a change to that set, in memory and in its file, and returns
    updates of `outputs`; the visitor may have chosen another set by then. `saved_as` is the set's name in the library,
    None for a set that is not saved.
    """
    options: dict[str, Any] = {**EVENT, "trigger_mode": "once", **UNCHECKED}
    written = [panel.plot, panel.note, frame.status, frame.library_seen, *outputs]

    @long(lambda: panel.note, lambda: {frame.status: frame.status_now()})
    def on_measure(row: float, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        vector_set, name, number = chosen(visitor), saved_as(visitor), whole(row, "vector", least=0)
        target = None if vector_set.origin.target is not None else _target(frame.loaded, vector_set)
        wanted = LinearityRequest(source_set=vector_set, rows=(number,), target=target)
        job = frame.start(
            visitor,
            "measuring how far it is linear",
            lambda model, context: linearity(model, wanted, _reporter(context), context.cancelled),
        )
        for _ in follow(job, 0.2):
            yield {frame.status: frame.status_now(visitor)}
        found = job.result()
        updates = changed(visitor, vector_set, lambda now: with_linear_radii(now, found))
        repeat = "" if name is None else markup.command(radius_command(name, frame.loaded, number, target))
        updates |= _result_updates(panel, found, vector_set, repeat)
        yield {**updates, frame.library_seen: frame.library_token(visitor)}

    panel.measure.click(on_measure, panel.row, written, **options)

    @long(lambda: panel.note, lambda: {frame.status: frame.status_now()})
    def on_calibrate(request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        vector_set, name = chosen(visitor), saved_as(visitor)
        job = frame.start(visitor, "finding scales", lambda model, context: scales_of(model, vector_set, context))

        def kept(scaled: VectorSet) -> dict[Any, Any]:
            updates = changed(visitor, vector_set, lambda now: with_scales_of(now, scaled))
            return updates | {frame.library_seen: frame.library_token(visitor)}

        for batch in follow(job, 0.2):
            finished = [event for event in batch if isinstance(event, VectorSet)]
            updates = kept(finished[-1]) if finished else {}
            progress = progress_line(batch) or "Looking at texts to find the scales"
            yield {**updates, frame.status: frame.status_now(), panel.note: markup.notice(progress, "info")}
        ended = job.result()
        repeat = "" if name is None else markup.command(scales_command(name, frame.loaded))
        yield {**kept(ended), panel.note: markup.notice(scales_summary(ended), "info") + repeat}

    panel.calibrate.click(on_calibrate, None, written, **options)


def _reporter(context: JobContext) -> Callable[[float], None]:
    return lambda share: context.emit(Share(share))


def _target(loaded: LoadedModel, vector_set: VectorSet) -> int | None:
    """Target layer for a set without one: the default of Discover, or the last block."""
    usual = defaults.layers(loaded).target
    return usual if usual > vector_set.origin.source else loaded.block_count - 1


def _result_updates(panel: LinearityPanel, found: Linearity, vector_set: VectorSet, repeat: str) -> dict[Any, Any]:
    """Plot and note of a measurement; `repeat` is the HTML of its command."""
    residual = found.residual_norm
    radii = [radius / residual for radius in found.radii.tolist()]
    measured, predicted = found.measured[0].tolist(), found.predicted[0].tolist()
    reach = [radius / residual for radius in found.linear_radius[0].tolist()]
    reached = [f"{sign}{value:.2g}" for sign, value in zip("+−", reach, strict=True) if value > 0]
    beyond = f"a relative scale of {radii[-1]:g}"
    text = f"{vector_set.label(found.rows[0])}: off by half, ‖f(Rv) − f(0) − R·Jv‖ = {HALF:g} ‖R·Jv‖, "
    text += f"at relative scale {' and '.join(reached)}" if reached else f"beyond {beyond}"
    numbers = markup.numbers_link(
        f"{vector_set.name}-linearity-{found.rows[0]}",
        ("relative radius", "measured +", "measured −", "predicted"),
        [[f"{value:.6g}" for value in line] for line in zip(radii, *measured, predicted, strict=True)],
    )
    note = f'<div class="sp-under-plot"><span>{markup.escape_sentence(text)}.</span>{numbers}</div>{repeat}'
    return {panel.plot: linearity_plot(radii, measured, predicted, reach), panel.note: note}
