"""Vector picker: controls for set, row or average, and scale; used by the mixer and by Discover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.library.vector_set import VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.entered import real, whole
from playground.ui.kit.frame import Frame
from playground.ui.kit.pick import FIRST, RANGE, STEP, Load, Pick, counts_native, is_average, row_choices
from playground.ui.kit.running import EVENT, UNCHECKED, quick

VALUES = tuple(field.name for field in fields(Pick) if field.name not in ("absolute", "widest"))
"""Fields of a Pick that have a component, in the order of the components. The unit is a control of the whole mixer, and
`widest` has none.
"""


@dataclass(frozen=True)
class PickControls:
    """The components, in the order of VALUES, then the marks under the slider."""

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
        """The components of VALUES."""
        return [getattr(self, name) for name in VALUES]

    def show(self, pick: Pick, names: Sequence[str], load: Load) -> dict[Any, Any]:
        """Updates that make the controls show `pick`. Raises InputError without a set, and what `load` raises."""
        vector_set = load(pick.source)
        return {
            self.set_name: gr.update(choices=list(names), value=pick.set_name),
            self.row: gr.update(choices=row_choices(vector_set), value=pick.row),
            **self.bounds(pick, vector_set),
            self.strip: pick.strip(load),
        }

    def bounds(self, pick: Pick, vector_set: VectorSet) -> dict[Any, Any]:
        """Updates of the fields for averages, which are shown where they apply, and of the ends of all fields."""
        top = vector_set.rows - 1
        return {
            self.count: gr.update(
                value=min(int(pick.count or 1), top + 1), maximum=max(top + 1, 2), visible=pick.row == FIRST
            ),
            self.first: gr.update(value=min(int(pick.first or 0), top), maximum=top, visible=pick.row == RANGE),
            self.last: gr.update(value=min(int(pick.last or 0), top), maximum=top, visible=pick.row == RANGE),
            self.native: pick.native,
            self.scale: self.slider(pick, vector_set),
        }

    def slider(self, pick: Pick, vector_set: VectorSet) -> dict[str, Any]:
        """Update of the slider: its ends and step in the unit of `pick`, and the scale, clipped to the ends."""
        most, step = pick.reach(vector_set)
        scale = min(max(real(pick.scale, "scale"), -most), most)
        return gr.update(minimum=-most, maximum=most, step=step, value=scale)


def build(
    name: str,
    what: str,
    start: Pick,
    names: Sequence[str],
    load: Load,
    tools: Callable[[], None] = lambda: None,
    remark: str = "",
) -> PickControls:
    """The controls that show `start`; `name` is the prefix of their ids, `what` the end of their labels. `tools` adds
    components to the row of the pickers, `remark` a text to the small print. Raises what `load` raises.
    """
    # All are `interactive` explicitly: Gradio cannot infer it for components that are rendered later.
    plain: dict[str, Any] = {"container": False, "show_label": False, "interactive": True}
    vector_set = load(start.source) if start.used else None
    top = 0 if vector_set is None else vector_set.rows - 1
    most, step = (start.maximum, STEP) if vector_set is None else start.reach(vector_set)
    set_name = gr.Dropdown(
        list(names), value=start.set_name, label=f"set of {what}", elem_id=f"{name}-set", elem_classes="sp-set", **plain
    )
    with gr.Row(elem_classes="sp-tight sp-mixhead"):
        row = gr.Dropdown(
            row_choices(vector_set) if vector_set is not None else [], value=start.row if start.used else None,
            label=f"vector of {what}", elem_id=f"{name}-row", scale=4, min_width=80, **plain,
        )
        first = _number(f"first row of the average in {what}", start.first, f"{name}-first", start.row == RANGE)
        last = _number(f"last row of the average in {what}", start.last, f"{name}-last", start.row == RANGE)
        tools()
    count = gr.Slider(
        1, max(top + 1, 2), min(int(start.count or 1), top + 1), step=1, label="first n", elem_id=f"{name}-count",
        buttons=[], visible=start.row == FIRST, elem_classes="sp-first", container=False, interactive=True,
        info="how many rows, counted from row 0, are averaged in their native norms",
    )
    with gr.Row(elem_classes="sp-tight sp-scaleline"):
        scale = gr.Slider(
            -most, most, start.scale, step=step, label=f"scale of {what}", elem_id=f"{name}-scale",
            buttons=[], elem_classes="sp-slider", scale=5, **plain,
        )
        native = gr.Checkbox(
            start.native, label="in its own norm", elem_id=f"{name}-native", min_width=118, scale=0, container=False,
            elem_classes="sp-mute sp-native", interactive=True,
        )
    strip = gr.HTML(start.strip(load, remark), elem_id=f"{name}-strip")
    return PickControls(set_name, row, count, first, last, native, scale, strip)


def wire(frame: Frame, controls: PickControls, units: gr.Radio | None = None) -> None:
    """Attach the event handlers; `units` is the control of the unit, None for relative scales."""
    options: dict[str, Any] = {**EVENT, **UNCHECKED}
    bounds = [controls.count, controls.first, controls.last, controls.native, controls.scale]
    inputs = [*controls.values, *([] if units is None else [units])]

    def pick_of(*values: Any) -> Pick:
        absolute = units is not None and values[-1] == "absolute"
        return replace(Pick(*values[: len(VALUES)]), absolute=absolute)

    @quick
    def on_set(request: gr.Request, *values: Any) -> dict[Any, Any]:
        pick = pick_of(*values)
        if not pick.used:
            return {controls.row: gr.skip()}
        vector_set = frame.load_set(frame.visitor(request))(pick.source)
        pick = with_set(pick, vector_set)
        return {
            controls.row: gr.update(choices=row_choices(vector_set), value=pick.row),
            **controls.bounds(pick, vector_set),
        }

    controls.set_name.input(on_set, inputs, [controls.row, *bounds], **options)

    @quick
    def on_row(request: gr.Request, *values: Any) -> dict[Any, Any]:
        pick = pick_of(*values)
        if not pick.used:
            return {controls.native: gr.skip()}
        vector_set = frame.load_set(frame.visitor(request))(pick.source)
        wanted = counts_native(pick.row, vector_set)
        if wanted != pick.native:
            # Averages begin at their native norm; 0 stays 0.
            scale = _sign(pick.scale) if wanted else _usual(pick, vector_set)
            pick = replace(pick, native=wanted, scale=scale)
        elif not wanted and pick.scale:  # another vector begins at its found scale
            pick = replace(pick, scale=_usual(pick, vector_set))
        return controls.bounds(pick, vector_set)

    controls.row.input(on_row, inputs, bounds, **options)

    @quick
    def on_native(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Convert the scale to the other unit, clipped to the ends of the slider."""
        pick = pick_of(*values)
        if not pick.used:
            return {controls.native: gr.skip()}
        try:
            vector_set = frame.load_set(frame.visitor(request))(pick.source)
            before = replace(pick, native=not pick.native)
            scale = real(pick.scale, "scale") * before.unit(vector_set) / pick.unit(vector_set)
        except PlaygroundError:
            return {controls.scale: 0.0}
        return {controls.scale: controls.slider(replace(pick, scale=round(scale, 2)), vector_set)}

    controls.native.input(on_native, inputs, controls.scale, **options)


def with_set(pick: Pick, vector_set: VectorSet) -> Pick:
    """A pick whose set was just chosen: its best row, or the average it was, of the rows that this set has."""
    if not is_average(pick.row) or vector_set.rows == 1:
        pick = replace(pick, row=str(defaults.best_row(vector_set)), native=False)
        return replace(pick, scale=_usual(pick, vector_set))
    last = min(whole(pick.last, "last row", least=0), vector_set.rows - 1)
    pick = replace(
        pick,
        count=min(whole(pick.count, "the number of vectors to average", least=1), vector_set.rows),
        first=min(whole(pick.first, "first row", least=0), last),
        last=last,
        native=counts_native(pick.row, vector_set),
    )
    return replace(pick, scale=_sign(pick.scale) if pick.native else _usual(pick, vector_set))


def _usual(pick: Pick, vector_set: VectorSet) -> float:
    """The default scale, relative or absolute, in the sign of the present one; 0 stays 0."""
    sign = int(_sign(pick.scale))
    if sign == 0:
        return 0.0
    rows = pick.rows
    row = rows if isinstance(rows, int) else -1
    scale = defaults.usual_scale(vector_set, row, sign)
    return round(scale * vector_set.origin.residual_norm, 4) if pick.absolute else scale


def _sign(scale: object) -> float:
    """−1, 0 or 1."""
    number = real(scale, "scale")
    return float(number > 0) - float(number < 0)


def _number(label: str, value: float | None, name: str, visible: bool) -> gr.Number:
    return gr.Number(
        value, label=label, elem_id=name, precision=0, minimum=0, scale=1, min_width=52, visible=visible,
        container=False, show_label=False, interactive=True,
    )
