"""Controls for the initial vector of a search: random, or a vector of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.ui.kit import defaults
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import Frame
from playground.ui.kit.pick import Load, is_average, row_choices
from playground.ui.kit.running import EVENT, UNCHECKED, quick

VECTOR = "a vector"


@dataclass(frozen=True)
class Start:
    """Values of the controls: a kind, and a row of a set if the kind is VECTOR."""

    kind: str
    set_name: str | None = None
    row: str | None = None

    def recipe(self, kinds: dict[str, str | None]) -> str | None:
        """The value of FindRequest.start; `kinds` has it for every kind but VECTOR. Raises InputError."""
        if self.kind in kinds:
            return kinds[self.kind]
        if self.kind != VECTOR:
            raise InputError(f"Expected a start, got “{self.kind}”; choose one of {', '.join([*kinds, VECTOR])}.")
        if not self.set_name:
            raise InputError("Expected a set to start from, got none; choose one, or start at random.")
        return f"{self.set_name}#{whole(self.row, 'the row to start from', least=0)}"


@dataclass(frozen=True)
class StartControls:
    """The components, in the order of Start's fields."""

    kind: gr.Radio
    set_name: gr.Dropdown
    row: gr.Dropdown

    @property
    def values(self) -> list[Any]:
        """All components."""
        return [self.kind, self.set_name, self.row]

    def shown(self, kind: str) -> dict[Any, Any]:
        """Updates for a kind other than VECTOR."""
        return {self.kind: kind, self.set_name: gr.update(visible=False), self.row: gr.update(visible=False)}

    def offered(self, names: Sequence[str]) -> dict[Any, Any]:
        """Updates of the choices after the library changed; what is chosen stays."""
        return {self.set_name: gr.update(choices=list(names))}


def build(name: str, kinds: Sequence[str], names: Sequence[str], info: str) -> StartControls:
    """The components; `name` is the prefix of their ids, `names` are the sets."""
    kind = gr.Radio(
        [*kinds, VECTOR], value=kinds[0], label="Start", elem_id=f"{name}-start", info=info, min_width=200
    )
    with gr.Row(elem_classes="sp-tight sp-pickline"):
        set_name = gr.Dropdown(
            list(names), value=None, label="Set", elem_id=f"{name}-start-set", visible=False, min_width=120,
            info="whose vector it starts from",
        )
        row = gr.Dropdown(
            [], value=None, label="Vector", elem_id=f"{name}-start-row", visible=False, min_width=120,
            info="its direction is what counts",
        )
    return StartControls(kind, set_name, row)


def wire(frame: Frame, controls: StartControls) -> None:
    """Attach the event handlers."""
    options: dict[str, Any] = {**EVENT, **UNCHECKED}

    @quick
    def on_kind(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Show the pickers for VECTOR, with the first set unless one is chosen, and hide them for other kinds."""
        start = Start(*values)
        if start.kind != VECTOR:
            return {controls.set_name: gr.update(visible=False), controls.row: gr.update(visible=False)}
        visitor = frame.visitor(request)
        names = frame.set_choices(visitor)
        if not names:
            raise InputError("Expected a set whose vector to start from, got none; compute or upload one first.")
        name = start.set_name if start.set_name in names else names[0]
        return {
            controls.set_name: gr.update(choices=names, value=name, visible=True),
            **_rows(controls, frame.load_set(visitor), name),
        }

    controls.kind.input(on_kind, controls.values, controls.values, **options)

    @quick
    def on_set(name: str | None, request: gr.Request) -> dict[Any, Any]:
        return _rows(controls, frame.load_set(frame.visitor(request)), name) if name else {controls.row: gr.skip()}

    controls.set_name.input(on_set, controls.set_name, [controls.row], **options)


def _rows(controls: StartControls, load: Load, name: str) -> dict[Any, Any]:
    vector_set = load(name)
    choices = [(label, row) for label, row in row_choices(vector_set) if not is_average(row)]
    return {controls.row: gr.update(choices=choices, value=str(defaults.best_row(vector_set)), visible=True)}
