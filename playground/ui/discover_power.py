"""Controls of power iteration: its start, the point of linearisation, the metric at the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.core.settings import SOLVERS, KrylovSettings
from playground.errors import InputError
from playground.services.find.request import METRICS
from playground.ui import start_picker
from playground.ui.entered import optional, real, whole
from playground.ui.start_picker import Start, StartControls

RANDOM = "at random"
STARTS: dict[str, str | None] = {RANDOM: None}
NOWHERE, AT_MIX = "the model as it is", "the mix in Steer"


@dataclass(frozen=True)
class PowerOptions:
    """The values of the controls, in the order in which the page sends them."""

    start_kind: str
    start_set: str | None
    start_row: str | None
    point: str
    weights: str | None
    metric: str
    solver: str
    tolerance: float
    steps: float
    block: str | None

    def fields(self, mix: str | None) -> dict[str, Any]:
        """Settings of FindRequest; `mix` is the recipe in Steer. Raises InputError."""
        if self.point == AT_MIX and not mix:
            raise InputError(
                "Expected a mix to linearise at, got none; set a slider in Steer, or take the model as it is."
            )
        steps = whole(self.steps, "steps", least=1)
        return {
            "start": Start(self.start_kind, self.start_set, self.start_row).recipe(STARTS),
            "theta0": mix if self.point == AT_MIX else None,
            "weights": read_weights(self.weights),
            "metric": self.metric,
            "solver": self.solver,
            "tolerance": real(self.tolerance, "tolerance"),
            "steps": None if steps == KrylovSettings.steps else steps,
            "block": whole(self.block, "block", least=1) if (self.block or "").strip() else None,
        }


def read_weights(text: str | None) -> tuple[float, ...] | None:
    """Numbers separated by spaces or commas; None for an empty field. Raises InputError."""
    words = (text or "").replace(",", " ").split()
    return tuple(real(word, "each weight") for word in words) or None


@dataclass(frozen=True)
class PowerControls:
    """`more` holds all of them: power iteration with its defaults needs no choice."""

    more: gr.Column
    start: StartControls
    point: gr.Radio
    weights: gr.Textbox
    metric: gr.Dropdown
    solver: gr.Radio
    tolerance: gr.Number
    steps: gr.Number
    block: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        return [
            *self.start.values, self.point, self.weights, self.metric, self.solver, self.tolerance, self.steps,
            self.block,
        ]

    def shown(self, values: dict[str, Any]) -> dict[Any, Any]:
        """Updates that show settings of FindRequest; those not among `values` go back to their defaults."""
        weights = values.get("weights") or ()
        return {
            **self.start.shown(RANDOM),
            self.point: NOWHERE,
            self.weights: " ".join(f"{weight:g}" for weight in weights),
            self.metric: values.get("metric", METRICS[0]),
            self.solver: values.get("solver", KrylovSettings.solver),
            self.tolerance: values.get("tolerance", KrylovSettings.tolerance),
            self.steps: values.get("steps") or KrylovSettings.steps,
            self.block: optional(values.get("block")),
        }


def build_more(names: Sequence[str], visible: bool) -> PowerControls:
    with gr.Column(visible=visible, elem_id="discover-power-more", elem_classes="sp-options") as more:
        start = start_picker.build(
            "discover-power", [RANDOM], names, "a good vector saves steps; the result is the same"
        )
        point = gr.Radio(
            [NOWHERE, AT_MIX],
            value=NOWHERE,
            label="Linearised at",
            elem_id="discover-point",
            info="the Jacobian of the model as it is, or while the mix in Steer is added",
        )
        with gr.Row(elem_classes="sp-tight"):
            weights = gr.Textbox(
                "", label="Weights of the positions", elem_id="discover-weights", max_lines=1, min_width=150,
                placeholder="all the same", info="one for each last token, oldest first: 0.5 1",
            )
            metric = gr.Dropdown(
                list(METRICS), value=METRICS[0], label="Metric at the target", elem_id="discover-metric",
                min_width=150, info="what counts there: every entry alike, or by its variance over the prompts",
            )
        solver = gr.Radio(
            list(SOLVERS), value=KrylovSettings.solver, label="Solver", elem_id="discover-solver",
            info="krylov keeps all it has seen and is faster; subspace is the classic iteration",
        )
        with gr.Row(elem_classes="sp-tight"):
            tolerance = gr.Number(
                KrylovSettings.tolerance, label="Tolerance", elem_id="discover-tolerance", min_width=110,
                info="largest residual ‖Jᵀu − σv‖ / σ at which it stops",
            )
            steps = gr.Number(
                KrylovSettings.steps, label="Steps at most", precision=0, elem_id="discover-steps", min_width=110,
                info="each forth and back",
            )
            block = gr.Textbox(
                "", label="Block", elem_id="discover-block", min_width=90, max_lines=1, placeholder="fits the vectors",
                info="columns a step",
            )
    return PowerControls(more, start, point, weights, metric, solver, tolerance, steps, block)
