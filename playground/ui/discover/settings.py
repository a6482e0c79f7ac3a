"""Controls for the settings of a method, built from its Setting declarations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.library.recipe import Recipe
from playground.library.recipe import format as format_recipe
from playground.methods.base.method import Method, alternatives
from playground.methods.base.request import default_of
from playground.methods.base.setting import Setting
from playground.ui.discover import start_picker
from playground.ui.discover.start_picker import Start, StartControls
from playground.ui.kit.entered import optional, real, real_or_none, whole, whole_or_none
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.pick import Load, Pick
from playground.ui.kit.running import EVENT, UNCHECKED
from playground.ui.widgets import vector_controls
from playground.ui.widgets.vector_controls import PickControls

PICK, MIX = "a vector or average", "the mix in Steer"


@dataclass(frozen=True)
class Given:
    """Context for reading controls: the mix in Steer as a recipe ("" for none), and the function that loads sets."""

    mix: str
    load: Load


@dataclass(frozen=True)
class Entry:
    """Control of one number, several numbers, a choice, or texts: one component."""

    name: str
    one: Setting
    default: Any
    component: Any

    @property
    def inputs(self) -> list[Any]:
        return [self.component]

    def read(self, values: Sequence[Any], given: Given) -> dict[str, Any]:
        """{name: value}. Raises InputError for a text that is not the number or numbers that it should be."""
        (value,), what = values, self.one.label.lower()
        if self.one.kind == "whole":
            return {self.name: (whole_or_none if self.one.optional else whole)(value, what)}
        if self.one.kind == "real":
            number = (real_or_none if self.one.optional else real)(value, what)
            return {self.name: number / 100 if self.one.percent and number is not None else number}
        if self.one.kind == "reals":
            return {self.name: read_numbers(value, what)}
        if self.one.kind == "texts":
            return {self.name: read_lines(value, what)}
        return {self.name: value}

    def shown(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        value = values.get(self.name)
        value = self.default if value is None else value
        if self.one.kind == "reals":
            return {self.component: " ".join(f"{number:g}" for number in value or ())}
        if self.one.kind == "texts":
            return {self.component: "\n".join(value or ())}
        if self.one.optional:
            return {self.component: optional(value)}
        return {self.component: 100 * value if self.one.percent else value}


@dataclass(frozen=True)
class Either:
    """Control of a number with a choice of units, each unit a setting of its own."""

    units: Mapping[str, str]  # unit → name of the setting
    label: str
    number: gr.Textbox
    unit: gr.Radio

    @property
    def inputs(self) -> list[Any]:
        return [self.number, self.unit]

    def read(self, values: Sequence[Any], given: Given) -> dict[str, Any]:
        number, unit = values
        if unit not in self.units:
            raise InputError(f"Expected a unit of the {self.label.lower()}: {', '.join(self.units)}, got “{unit}”.")
        return {self.units[unit]: real_or_none(number, self.label.lower())}

    def shown(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        given = [(unit, values[name]) for unit, name in self.units.items() if values.get(name) is not None]
        unit, number = given[0] if given else (next(iter(self.units)), None)
        return {self.number: optional(number), self.unit: unit}


@dataclass(frozen=True)
class RowControl:
    """Control of a row of a set, or of a keyword in its place."""

    name: str
    kinds: Mapping[str, str | None]  # label → keyword of the setting
    start: StartControls

    @property
    def inputs(self) -> list[Any]:
        return self.start.values

    def read(self, values: Sequence[Any], given: Given) -> dict[str, Any]:
        return {self.name: Start(*values).recipe(dict(self.kinds))}

    def shown(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        labels = {keyword: label for label, keyword in self.kinds.items()}
        return self.start.shown(labels.get(values.get(self.name), next(iter(self.kinds))))


@dataclass(frozen=True)
class RecipeControl:
    """Control of a recipe: none, a picked vector or average, or the mix in Steer."""

    name: str
    one: Setting
    keeps: bool  # whether the set can be continued later, which needs a saved recipe
    kind: gr.Radio
    box: gr.Column | None
    pick: PickControls | None

    @property
    def inputs(self) -> list[Any]:
        return [self.kind, *([] if self.pick is None else self.pick.values)]

    def read(self, values: Sequence[Any], given: Given) -> dict[str, Any]:
        kind, what = values[0], self.one.label.lower()
        if self.one.unset and kind == self.one.unset:
            return {self.name: None}
        if kind == MIX:
            if not given.mix:
                raise InputError(
                    f"Expected a mix in Steer for “{what}”, got none; set a slider in Steer, or choose otherwise here."
                )
            recipe = given.mix
        elif kind == PICK and self.pick is not None:
            component = Pick(*values[1:]).component(given.load)
            if component is None or component.amount == 0:
                raise InputError(
                    f"Expected a {what} that adds something, got none; choose a vector and a scale other than 0."
                )
            recipe = format_recipe(Recipe((component,)))
        else:
            raise InputError(f"Expected a {what}, got “{kind}”; choose one of those offered.")
        if self.keeps and NOT_SAVED in recipe:
            raise InputError(
                f"Expected a {what} from the library, so that the set can be continued later, got one that is not "
                "saved; save it first."
            )
        return {self.name: recipe}

    def shown(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Updates to the default, as presets name no recipes; a picked vector stays."""
        return {self.kind: self.one.unset} if self.one.unset else {}


Control = Entry | Either | RowControl | RecipeControl
"""Control of one setting. `inputs` are its components; `read` gives {name: value} from their values and raises
InputError for wrong ones; `shown` gives updates that show the setting out of {name: value}, or its default.
"""


@dataclass(frozen=True)
class MethodControls:
    """The controls of a method: basic ones in `box`, advanced ones in `more`, in the closed part of the form."""

    method: Method
    box: gr.Column
    more: gr.Column
    controls: tuple[Control, ...]

    @property
    def inputs(self) -> list[Any]:
        """The components of all controls."""
        return [component for control in self.controls for component in control.inputs]

    @property
    def outputs(self) -> list[Any]:
        """All components that updates may write to."""
        return [self.box, self.more, *self.inputs, *(pick.strip for pick in self.picks), *self._boxes]

    @property
    def picks(self) -> list[PickControls]:
        """The vector pickers of recipes."""
        return [one.pick for one in self.controls if isinstance(one, RecipeControl) and one.pick is not None]

    @property
    def _boxes(self) -> list[Any]:
        return [one.box for one in self.controls if isinstance(one, RecipeControl) and one.box is not None]

    def read(self, values: Sequence[Any], given: Given, only: Sequence[str] | None = None) -> dict[str, Any]:
        """Settings by name: of all controls, or of the entries in `only`. Raises PlaygroundError."""
        found: dict[str, Any] = {}
        for control in self.controls:
            count = len(control.inputs)
            own, values = values[:count], values[count:]
            if only is None or (isinstance(control, Entry) and control.name in only):
                found |= control.read(own, given)
        return found

    def shown(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Updates that show settings; those missing from `values` go back to their defaults."""
        return {component: value for one in self.controls for component, value in one.shown(values).items()}

    def visible(self, method: Method) -> dict[Any, Any]:
        """Updates that show the controls if their method is the chosen one, and hide them otherwise."""
        chosen = method is self.method
        basic = any(one.basic for one in method.options.values())
        return {self.box: gr.update(visible=chosen and basic), self.more: gr.update(visible=chosen)}

    def offered(self, names: Sequence[str]) -> dict[Any, Any]:
        """Updates of the choices after the library changed; what is chosen stays."""
        rows = [one.start.offered(names) for one in self.controls if isinstance(one, RowControl)]
        picks = {pick.set_name: gr.update(choices=list(names)) for pick in self.picks}
        return {component: value for updates in (*rows, picks) for component, value in updates.items()}

    def based_on(self, pick: Pick, names: Sequence[str], load: Load) -> dict[Any, Any]:
        """Updates that choose a vector in all vector pickers, after another model was loaded."""
        if pick.used:
            return {part: value for one in self.picks for part, value in one.show(pick, names, load).items()}
        empty = {one.set_name: gr.update(choices=list(names), value=None) for one in self.picks}
        return empty | {one.row: None for one in self.picks}


class Builder:
    """Builds the controls of one method in two places of the page: first `basic`, then `advanced`."""

    def __init__(self, method: Method, base: Pick, names: Sequence[str], load: Load, visible: bool) -> None:
        self._method, self._base, self._names, self._load = method, base, names, load
        self._visible = visible
        self._controls: dict[tuple[str, ...], Control] = {}
        self._box: gr.Column | None = None

    def basic(self) -> None:
        """Build the basic settings."""
        seen = self._visible and self._has(True)
        with gr.Column(visible=seen, elem_id=self._id()) as self._box, gr.Group(elem_classes="sp-card"):
            self._place(True)

    def advanced(self) -> MethodControls:
        """Build the advanced settings; returns all controls of the method."""
        with gr.Column(visible=self._visible, elem_id=self._id("more"), elem_classes="sp-options") as more:
            self._place(False)
        assert self._box is not None  # the basic part is built first
        order = alternatives(self._method.options)
        return MethodControls(self._method, self._box, more, tuple(self._controls[names] for names in order))

    def _has(self, basic: bool) -> bool:
        return any(one.basic == basic for one in self._method.options.values())

    def _id(self, name: str = "") -> str:
        return f"discover-{self._method.name}" + (f"-{name.replace('_', '-')}" if name else "")

    def _place(self, basic: bool) -> None:
        """Build controls in their order, up to three narrow ones side by side."""
        options = self._method.options
        groups = [names for names in alternatives(options) if options[names[0]].basic == basic]
        small: list[tuple[str, ...]] = []
        for names in [*groups, None]:
            narrow = names is not None and len(names) == 1 and self._is_narrow(options[names[0]])
            if names is not None and narrow:
                small.append(names)
            if small and (not narrow or len(small) == 3):
                with gr.Row(elem_classes="sp-tight"):
                    for one in small:
                        self._controls[one] = self._entry(one[0])
                small = []
            if names is not None and not narrow:
                self._controls[names] = self._wide(names)

    @staticmethod
    def _is_narrow(one: Setting) -> bool:
        return one.kind in ("whole", "real", "reals") or (one.kind == "choice" and len(one.choices) > 2)

    def _wide(self, names: tuple[str, ...]) -> Control:
        options, name = self._method.options, names[0]
        one = options[name]
        if len(names) > 1:
            return self._either(names)
        if one.kind == "row":
            kinds = {label: keyword or None for keyword, label in one.words.items() if label}
            start = start_picker.build(self._id(), list(kinds), self._names, one.info)
            return RowControl(name, kinds, start)
        if one.kind == "recipe":
            return self._recipe(name)
        return self._entry(name)

    def _either(self, names: tuple[str, ...]) -> Control:
        options = self._method.options
        first, units = options[names[0]], {}
        for name in names:
            alternative = options[name].alternative
            if alternative is not None:
                units[alternative.unit] = name
        with gr.Row(elem_classes="sp-tight"):
            number = gr.Textbox(
                "", label=first.label, elem_id=self._id(first.label.lower()), min_width=100, max_lines=1,
                placeholder=first.placeholder, info=first.info,
            )
            unit = gr.Radio(
                list(units), value=next(iter(units)), label=f"Unit of the {first.label.lower()}", min_width=170,
                elem_id=self._id(f"{first.label.lower()}-unit"), info="relative: over the reference norm",
            )
        return Either(units, first.label, number, unit)

    def _recipe(self, name: str) -> Control:
        one = self._method.options[name]
        kinds = [*([one.unset] if one.unset else []), *([PICK] if one.pick else []), MIX]
        kind = gr.Radio(kinds, value=kinds[0], label=one.label, elem_id=self._id(name), info=one.info)
        box = pick = None
        if one.pick:
            with gr.Column(elem_classes="sp-mixrow sp-base", elem_id=self._id(f"{name}-pick")) as box:
                pick = vector_controls.build(
                    self._id(name), f"the {one.label.lower()}", self._base, self._names, self._load
                )
        return RecipeControl(name, one, self._method.continues is not None, kind, box, pick)

    def _entry(self, name: str) -> Entry:
        one, default = self._method.options[name], default_of(self._method, name)
        common: dict[str, Any] = {"label": one.label, "elem_id": self._id(name), "info": one.noted, "min_width": 90}
        component: Any
        if one.kind == "choice" and len(one.choices) <= 2:
            component = gr.Radio(list(one.choices), value=default, **common)
        elif one.kind == "choice":
            component = gr.Dropdown(list(one.choices), value=default, **common)
        elif (end := one.slider_end) is not None:
            component = gr.Slider(one.least, end, default, step=1, buttons=[], **common)
        elif one.kind == "texts":
            component = gr.Textbox("\n".join(default or ()), lines=2, max_lines=4, **common)
        elif one.optional or one.kind == "reals":
            component = gr.Textbox("", max_lines=1, placeholder=one.placeholder, **common)
        else:
            shown = 100 * default if one.percent else default
            top = None if math.isinf(one.bound) else 100 * one.bound if one.percent else one.bound
            component = gr.Number(shown, maximum=top, precision=0 if one.kind == "whole" else None, **common)
        return Entry(name, one, default, component)


def wire(frame: Frame, controls: MethodControls) -> None:
    """Attach the event handlers of the controls of a method."""
    options: dict[str, Any] = {**EVENT, **UNCHECKED}
    for control in controls.controls:
        if isinstance(control, RowControl):
            start_picker.wire(frame, control.start)
        elif isinstance(control, RecipeControl) and control.pick is not None:
            vector_controls.wire(frame, control.pick)
            _wire_strip(frame, control.pick)
            control.kind.input(
                lambda kind: gr.update(visible=kind == PICK), control.kind, control.box, **options
            )  # fmt: skip


def _wire_strip(frame: Frame, pick: PickControls) -> None:
    def on_pick(request: gr.Request, *values: Any) -> str:
        return Pick(*values).strip(frame.load_set(frame.visitor(request)))

    changes = [part.change for part in pick.values]
    gr.on(changes, on_pick, pick.values, pick.strip, trigger_mode="always_last", **EVENT, **UNCHECKED)


def read_numbers(text: str | None, what: str) -> tuple[float, ...] | None:
    """Numbers separated by spaces or commas; None for an empty field. Raises InputError."""
    parts = (text or "").replace(",", " ").split()
    return tuple(real(part, f"each of the {what}") for part in parts) or None


def read_lines(text: str | None, what: str) -> tuple[str, ...]:
    """Texts, one a line; empty lines are left out. Raises InputError where there is none."""
    lines = tuple(line for line in (text or "").splitlines() if line.strip())
    if not lines:
        raise InputError(f"Expected {what}, one a line, got none; type one.")
    return lines
