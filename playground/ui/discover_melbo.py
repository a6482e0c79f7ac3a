"""Controls of MELBO: the radius of its sphere, its optimiser, its start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.core.settings import PUBLISHED_RATE, RESTARTS, MelboSettings
from playground.errors import InputError
from playground.ui import start_picker
from playground.ui.entered import optional, real, real_or_none, whole
from playground.ui.start_picker import Start, StartControls

RELATIVE, ABSOLUTE = "relative", "absolute"
BEST, POWER, RANDOM = "best known", "power iteration", "at random"
STARTS: dict[str, str | None] = {BEST: None, POWER: "power", RANDOM: "random"}


@dataclass(frozen=True)
class MelboOptions:
    """The values of the controls, in the order in which the page sends them."""

    radius: str | None
    unit: str
    steps: float
    restarts: float
    start_kind: str
    start_set: str | None
    start_row: str | None
    learning_rate: str | None
    p: float
    q: str | None

    def fields(self) -> dict[str, Any]:
        """Settings of FindRequest. Raises InputError."""
        if self.unit not in (RELATIVE, ABSOLUTE):
            raise InputError(f"Expected the radius to be relative or absolute, got “{self.unit}”; choose one.")
        radius = real_or_none(self.radius, "radius")
        steps = whole(self.steps, "steps", least=1)
        return {
            "radius": radius if self.unit == ABSOLUTE else None,
            "relative_radius": radius if self.unit == RELATIVE else None,
            "steps": None if steps == MelboSettings.steps else steps,
            "restarts": whole(self.restarts, "restarts", least=1),
            "start": Start(self.start_kind, self.start_set, self.start_row).recipe(STARTS),
            "learning_rate": real_or_none(self.learning_rate, "learning rate"),
            "p": real(self.p, "p"),
            "q": real_or_none(self.q, "q"),
        }


@dataclass(frozen=True)
class MelboControls:
    """`box` is always in sight, `more` in the folded part of the form."""

    box: gr.Column
    more: gr.Column
    radius: gr.Textbox
    unit: gr.Radio
    steps: gr.Number
    restarts: gr.Slider
    start: StartControls
    learning_rate: gr.Textbox
    p: gr.Number
    q: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        return [
            self.radius, self.unit, self.steps, self.restarts, *self.start.values, self.learning_rate, self.p, self.q
        ]

    def shown(self, values: dict[str, Any]) -> dict[Any, Any]:
        """Updates that show settings of FindRequest; those not among `values` go back to their defaults."""
        absolute = values.get("radius")
        kinds = {recipe: kind for kind, recipe in STARTS.items()}
        return {
            self.radius: optional(values.get("relative_radius") if absolute is None else absolute),
            self.unit: RELATIVE if absolute is None else ABSOLUTE,
            self.steps: values.get("steps") or MelboSettings.steps,
            self.restarts: values.get("restarts", RESTARTS),
            **self.start.shown(kinds.get(values.get("start"), BEST)),
            self.learning_rate: optional(values.get("learning_rate")),
            self.p: values.get("p", MelboSettings.p),
            self.q: optional(values.get("q")),
        }


def build(visible: bool) -> tuple[gr.Column, list[Any]]:
    """The part that is in sight, and its components in the order of MelboControls."""
    with gr.Column(visible=visible, elem_id="discover-melbo") as box, gr.Group(elem_classes="sp-card"):
        with gr.Row(elem_classes="sp-tight"):
            radius = gr.Textbox(
                "", label="Radius", elem_id="discover-radius", min_width=100, max_lines=1, placeholder="found",
                info="norm of every vector; empty: as far as random pushes act linearly",
            )
            unit = gr.Radio(
                [RELATIVE, ABSOLUTE], value=RELATIVE, label="Unit of the radius", elem_id="discover-radius-unit",
                min_width=170, info="relative: over the reference norm",
            )
        with gr.Row(elem_classes="sp-tight"):
            steps = gr.Number(
                MelboSettings.steps, label="Steps", precision=0, elem_id="discover-melbo-steps", min_width=100,
                info="enough when the curve is flat",
            )
            restarts = gr.Slider(
                1, 16, RESTARTS, step=1, label="Restarts", elem_id="discover-restarts", buttons=[], min_width=150,
                info="tries a vector, the best is kept",
            )
    return box, [radius, unit, steps, restarts]


def build_more(names: Sequence[str], visible: bool, box: gr.Column, main: Sequence[Any]) -> MelboControls:
    """The folded part, and all of it together."""
    with gr.Column(visible=visible, elem_id="discover-melbo-more", elem_classes="sp-options") as more:
        start = start_picker.build(
            "discover-melbo", list(STARTS), names, "power iteration's vectors are where the linear part is steepest"
        )
        with gr.Row(elem_classes="sp-tight"):
            rate = gr.Textbox(
                "", label="Learning rate", elem_id="discover-rate", min_width=120, max_lines=1, scale=2,
                info=f"empty: fits the radius; published: {PUBLISHED_RATE:g}", placeholder="fits the radius",
            )
            p = gr.Number(
                MelboSettings.p, label="p", elem_id="discover-p", min_width=80, info="over positions"
            )
            q = gr.Textbox(
                "", label="q", elem_id="discover-q", min_width=80, max_lines=1, info="over prompts", placeholder="as p"
            )
    return MelboControls(box, more, *main, start, rate, p, q)
