"""The controls that pick one thing to add: set, row or average, and a slider; used by the mixer and by Discover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.library.vector_set import VectorSet
from playground.ui import defaults
from playground.ui.entered import real
from playground.ui.frame import Frame
from playground.ui.running import quick
from playground.ui.state import Visitor
from playground.ui.vector_picker import FIRST, RANGE, Load, Pick, counts_native, native_norm, row_choices

UNCHECKED = {"preprocess": False}
"""For events that read such controls: Gradio would refuse a whole event because a browser still sends, for a moment,
the row it showed for another set. The values are checked by `Pick`, with a sentence each.
"""


@dataclass(frozen=True)
class PickControls:
    """The Gradio components, in the order of Pick's fields, and the small print."""

    set_name: gr.Dropdown
    row: gr.Dropdown
    count: gr.Slider
    first: gr.Number
    last: gr.Number
    native: gr.Checkbox
    scale: gr.Slider
    strip: gr.HTML

    @property
    def values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(Pick)]

    def show(self, pick: Pick, names: Sequence[str], load: Load) -> dict[Any, Any]:
        """Updates that make the controls show `pick`, which uses a set."""
        vector_set = load(pick.set_name)
        return {
            self.set_name: gr.update(choices=list(names), value=pick.set_name),
            self.row: gr.update(choices=row_choices(vector_set), value=pick.row),
            **self.bounds(pick, vector_set),
            self.strip: pick.strip(load),
        }

    def bounds(self, pick: Pick, vector_set: VectorSet) -> dict[Any, Any]:
        """Which of the fields for averages apply, and how far everything reaches."""
        top = vector_set.rows - 1
        return {
            self.count: gr.update(
                value=min(int(pick.count or 1), top + 1), maximum=max(top + 1, 2), visible=pick.row == FIRST
            ),
            self.first: gr.update(value=min(int(pick.first or 0), top), maximum=top, visible=pick.row == RANGE),
            self.last: gr.update(value=min(int(pick.last or 0), top), maximum=top, visible=pick.row == RANGE),
            self.native: pick.native,
            self.scale: gr.update(minimum=-pick.maximum, maximum=pick.maximum, value=pick.scale),
        }


def build(
    name: str, what: str, start: Pick, names: Sequence[str], load: Load, tools: Callable[[], None] = lambda: None
) -> PickControls:
    """The controls, `name` before their ids and `what` in their labels; `tools` adds to the line of the pickers."""
    plain: dict[str, Any] = {"container": False, "show_label": False}
    vector_set = load(start.set_name) if start.used else None
    top = 0 if vector_set is None else vector_set.rows - 1
    with gr.Row(elem_classes="sp-tight sp-mixhead"):
        set_name = gr.Dropdown(
            list(names), value=start.set_name, label=f"set of {what}", elem_id=f"{name}-set", scale=4, min_width=80,
            **plain,
        )
        row = gr.Dropdown(
            row_choices(vector_set) if vector_set is not None else [], value=start.row if start.used else None,
            label=f"vector of {what}", elem_id=f"{name}-row", scale=4, min_width=80, **plain,
        )
        first = _number(f"first row of the average in {what}", start.first, f"{name}-first", start.row == RANGE)
        last = _number(f"last row of the average in {what}", start.last, f"{name}-last", start.row == RANGE)
        tools()
    count = gr.Slider(
        1, max(top + 1, 2), min(int(start.count or 1), top + 1), step=1, label="first n", elem_id=f"{name}-count",
        buttons=[], visible=start.row == FIRST, elem_classes="sp-first", container=False,
        info="how many rows, counted from row 0, are averaged in their native norms",
    )
    with gr.Row(elem_classes="sp-tight sp-scaleline"):
        scale = gr.Slider(
            -start.maximum, start.maximum, start.scale, step=0.01, label=f"scale of {what}", elem_id=f"{name}-scale",
            buttons=[], elem_classes="sp-slider", scale=5, **plain,
        )
        native = gr.Checkbox(
            start.native, label="× native", elem_id=f"{name}-native", min_width=84, scale=0, container=False,
            elem_classes="sp-mute sp-native",
        )
    strip = gr.HTML(start.strip(load), elem_id=f"{name}-strip")
    return PickControls(set_name, row, count, first, last, native, scale, strip)


def wire(
    frame: Frame, controls: PickControls, chosen: Callable[[Visitor, str], None] = lambda visitor, name: None
) -> None:
    """What the controls do to each other; `chosen` is told of another set."""
    options: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", **UNCHECKED}
    bounds = [controls.count, controls.first, controls.last, controls.native, controls.scale]

    @quick
    def on_set(request: gr.Request, *values: Any) -> dict[Any, Any]:
        pick = Pick(*values)
        if not pick.used:
            return {controls.row: gr.skip()}
        visitor = frame.visitor(request)
        vector_set = frame.load_set(visitor)(pick.set_name)
        chosen(visitor, pick.set_name)
        scale = _sign(pick.scale) * defaults.SUGGESTED_SCALE if pick.native else pick.scale
        pick = replace(pick, row=str(defaults.best_row(vector_set)), native=False, scale=scale)
        return {
            controls.row: gr.update(choices=row_choices(vector_set), value=pick.row),
            **controls.bounds(pick, vector_set),
        }

    controls.set_name.input(on_set, controls.values, [controls.row, *bounds], **options)

    @quick
    def on_row(request: gr.Request, *values: Any) -> dict[Any, Any]:
        pick = Pick(*values)
        if not pick.used:
            return {controls.native: gr.skip()}
        vector_set = frame.load_set(frame.visitor(request))(pick.set_name)
        wanted = counts_native(pick.row, vector_set)
        if wanted != pick.native:
            # The average in its native norm is where one begins to look; 0 stays 0.
            start = 1.0 if wanted else defaults.SUGGESTED_SCALE
            pick = replace(pick, native=wanted, scale=_sign(pick.scale) * start)
        return controls.bounds(pick, vector_set)

    controls.row.input(on_row, controls.values, bounds, **options)

    @quick
    def on_native(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """The other unit for the same push, as far as the slider reaches."""
        pick = Pick(*values)
        if not pick.used:
            return {controls.native: gr.skip()}
        try:
            vector_set = frame.load_set(frame.visitor(request))(pick.set_name)
            one_native = native_norm(pick.set_name, pick.rows, vector_set)
            factor = vector_set.origin.residual_norm / one_native
            scale = real(pick.scale, "scale") * (factor if pick.native else 1 / factor)
        except PlaygroundError:
            scale = 0.0
        pick = replace(pick, scale=round(min(max(scale, -pick.maximum), pick.maximum), 2))
        return {controls.scale: gr.update(minimum=-pick.maximum, maximum=pick.maximum, value=pick.scale)}

    controls.native.input(on_native, controls.values, controls.scale, **options)


def _sign(scale: object) -> float:
    """−1, 0 or 1."""
    number = real(scale, "scale")
    return float(number > 0) - float(number < 0)


def _number(label: str, value: float | None, name: str, visible: bool) -> gr.Number:
    return gr.Number(
        value, label=label, elem_id=name, precision=0, minimum=0, scale=1, min_width=52, visible=visible,
        container=False, show_label=False,
    )
