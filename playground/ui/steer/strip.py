"""The scale strip of Steer: the prompt over signed multiples of the found scale of the vector in the mix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.services.generate import GenerateProgress, generate
from playground.services.strip import Strip, strip_of
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.mix import active_rows
from playground.ui.kit.running import EVENT, UNCHECKED, follow, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.form import SteerForm
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.state import SteerState, WrittenStrip
from playground.ui.widgets.scale_strip import strip_html


def write_strip(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    """Write the strip of the one vector in the mix; yields updates. Raises PlaygroundError, also for another mix."""
    rows, load = active_rows(form.mix), frame.load_set(visitor)
    if len(rows) != 1 or not isinstance(rows[0].rows, int):
        raise InputError(
            f"Expected a mix of one vector for a scale strip, got {len(rows) if len(rows) != 1 else 'an average'}; "
            "choose one row, or solo it."
        )
    source, row = rows[0].source, rows[0].rows
    vector_set = load(source)
    strip, residual = strip_of(vector_set, row), vector_set.origin.residual_norm
    request = strip.request(source, row, form.prompt or "", form.format, form.sampling, form.positions)
    job = frame.start(
        visitor, "writing a scale strip",
        lambda model, context: generate(model, request, load, context.emit, context.cancelled),
    )  # fmt: skip

    def shown(written: Strip, streaming: bool) -> str:
        return strip_html(written, residual, row, "go", "Set the slider here", streaming)

    for batch in follow(job):
        progress = [event for event in batch if isinstance(event, GenerateProgress)]
        updates: dict[Any, Any] = {frame.status: frame.status_now(visitor)}
        if progress:
            updates[tab.strip] = shown(strip.written(progress[-1].texts), True)
        yield updates
    SteerState.of(visitor).strip = WrittenStrip(source, row, strip)
    yield {tab.strip: shown(strip.written(job.result().texts), False)}


def go_to(frame: Frame, tab: SteerTab, visitor: Visitor, multiple: str) -> dict[Any, Any]:
    """Set the slider of the strip's vector to the scale of a cell; returns the updates of the mixer. Raises
    PlaygroundError when there is no such cell, or the vector has left the mix.
    """
    state = SteerState.of(visitor)
    cell = None if state.strip is None else state.strip.strip.at(multiple)
    if cell is None or state.strip is None:
        raise InputError("Expected a cell of the scale strip, got another one; press Scale strip again.")
    source, row = state.strip.source, state.strip.row
    for slot, each in state.mix.rows.items():
        if each.used and (each.source, each.row) == (source, str(row)):
            vector_set = frame.load_set(visitor)(source)
            scale = float(f"{cell.norm / each.unit(vector_set):.8g}")
            widest = 0.0 if each.absolute and not each.native else abs(scale)
            state.mix.put(slot, replace(each, scale=scale, widest=max(each.widest, widest)))
            return tab.drawn(frame, visitor)
    raise InputError(f"Expected vector {row} of {source} in the mix, got others; press Scale strip again.")


def wire(frame: Frame, tab: SteerTab) -> None:
    """Attach the event handlers."""

    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_strip(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        yield from write_strip(frame, tab, visitor, SteerForm.of(values, visitor))

    written = [tab.strip, tab.notice, frame.status]
    tab.write_strip.click(on_strip, tab.inputs, written, trigger_mode="once", **EVENT, **UNCHECKED)

    @quick
    def on_go(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        return go_to(frame, tab, frame.visitor(request), acted(event).get("multiple", ""))

    tab.strip.act(on_go, None, tab.mix_outputs, **EVENT)
