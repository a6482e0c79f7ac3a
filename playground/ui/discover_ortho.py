"""Controls of MELBO-ortho: its base, when to end, and a set to continue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.core.settings import OrthoSettings
from playground.errors import InputError
from playground.library.recipe import Recipe
from playground.library.recipe import format as format_recipe
from playground.library.vector_set import VectorSet
from playground.services.find import FindRequest
from playground.services.find.continuing import SETTINGS, continued
from playground.ui import vector_controls
from playground.ui.entered import optional, real, real_or_none, whole, whole_or_none
from playground.ui.frame import NOT_SAVED
from playground.ui.vector_controls import VALUES, PickControls
from playground.ui.vector_picker import Load, Pick

PICK, MIX = "a vector or average", "the mix in Steer"
PICKED = len(VALUES)


@dataclass(frozen=True)
class OrthoOptions:
    """The values of the controls, in the order in which the page sends them."""

    base: str
    pick: Pick
    vectors: float
    stop_share: float
    continued: str | None
    batch: float
    steps: float
    learning_rate: str | None
    penalty: float
    tokens: str | None

    @classmethod
    def of(cls, values: Sequence[Any]) -> OrthoOptions:
        return cls(values[0], Pick(*values[1 : 1 + PICKED]), *values[1 + PICKED :])

    def search(self) -> dict[str, Any]:
        """Settings of FindRequest that say how to search, whatever the base. Raises InputError."""
        steps = whole(self.steps, "steps a batch", least=1)
        return {
            "vectors": whole(self.vectors, "vectors", least=1),
            "batch": whole(self.batch, "vectors a batch", least=1),
            "steps": None if steps == OrthoSettings.steps else steps,
            "stop_share": real(self.stop_share, "share to stop at") / 100,
            "learning_rate": real_or_none(self.learning_rate, "learning rate"),
            "penalty": real(self.penalty, "penalty"),
        }

    def fields(self, mix: str | None, load: Load) -> dict[str, Any]:
        """Settings of FindRequest; `mix` is the recipe in Steer. Raises PlaygroundError."""
        tokens = whole_or_none(self.tokens, "last tokens", least=1)
        return {"base": self._base(mix, load), "target_tokens": tokens, **self.search()}

    def _base(self, mix: str | None, load: Load) -> str:
        if self.base == MIX:
            base = mix or ""
        elif self.base == PICK:
            component = self.pick.component(load)
            base = "" if component is None or component.amount == 0 else format_recipe(Recipe((component,)))
        else:
            raise InputError(f"Expected a base, got “{self.base}”; choose {PICK} or {MIX}.")
        if not base:
            raise InputError(
                "Expected a base that adds something, got none; choose a vector and a scale other than 0."
            )
        if NOT_SAVED in base:
            raise InputError(
                "Expected a base from the library, so that the set can be continued later, got one that is not saved; "
                "save it first."
            )
        return base

    def continuing(self, so_far: VectorSet) -> FindRequest:
        """The request that goes on with a set of ortho: prompts, layers and base out of its file, as many vectors more
        as the form says. Raises InputError.
        """
        search = self.search()
        return continued(so_far, **(search | {"vectors": so_far.rows + search["vectors"]}))


@dataclass(frozen=True)
class OrthoControls:
    """`box` is always in sight, `more` in the folded part of the form."""

    box: gr.Column
    more: gr.Column
    base: gr.Radio
    pick_box: gr.Column
    pick: PickControls
    vectors: gr.Number
    stop_share: gr.Number
    goes_on: gr.Row
    continued: gr.Dropdown
    go_on: gr.Button
    batch: gr.Number
    steps: gr.Number
    learning_rate: gr.Textbox
    penalty: gr.Number
    tokens: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        return [
            self.base, *self.pick.values, self.vectors, self.stop_share, self.continued, self.batch, self.steps,
            self.learning_rate, self.penalty, self.tokens,
        ]

    def offered(self, names: Sequence[str], sets: Sequence[str], chosen: str | None) -> dict[Any, Any]:
        """Updates for other sets in the library; `chosen` is selected to be continued, None leaves what is."""
        continued = {"choices": list(sets)} | ({} if chosen is None else {"value": chosen})
        return {
            self.pick.set_name: gr.update(choices=list(names)),
            self.goes_on: gr.update(visible=bool(sets)),
            self.continued: gr.update(**continued),
        }

    def settings_of(self, vector_set: VectorSet) -> dict[Any, Any]:
        """Updates that show how a set was searched for, so that it goes on as it began."""
        kept = vector_set.origin.parameters
        values = {name: kept[name] for name in SETTINGS if name in kept}
        shown = self.shown(values | {"target_tokens": vector_set.origin.target_tokens})
        del shown[self.vectors]  # how many more is not a matter of the set
        return shown

    def shown(self, values: dict[str, Any]) -> dict[Any, Any]:
        """Updates that show settings of FindRequest; those not among `values` go back to their defaults."""
        return {
            self.vectors: values.get("vectors") or OrthoSettings.vectors,
            self.stop_share: 100 * values.get("stop_share", OrthoSettings.stop_share),
            self.batch: values.get("batch", OrthoSettings.batch),
            self.steps: values.get("steps") or OrthoSettings.steps,
            self.learning_rate: optional(values.get("learning_rate")),
            self.penalty: values.get("penalty", OrthoSettings.penalty),
            self.tokens: optional(values.get("target_tokens")),
        }


def build(
    start: Pick, names: Sequence[str], sets: Sequence[str], load: Load, visible: bool
) -> tuple[gr.Column, list[Any]]:
    """The part that is in sight, and its components in the order of OrthoControls; `sets` can be continued."""
    with gr.Column(visible=visible, elem_id="discover-ortho") as box, gr.Group(elem_classes="sp-card"):
        base = gr.Radio(
            [PICK, MIX],
            value=PICK,
            label="Base",
            elem_id="discover-base",
            info="whose effect is repeated: with a scale at which Steer shows it clearly",
        )
        with gr.Column(elem_classes="sp-mixrow sp-base", elem_id="discover-base-pick") as pick_box:
            pick = vector_controls.build("discover-base", "the base", start, names, load)
        with gr.Row(elem_classes="sp-tight"):
            vectors = gr.Number(
                OrthoSettings.vectors, label="Vectors at most", precision=0, elem_id="discover-ortho-vectors",
                min_width=110, info="new ones, the base not counted",
            )
            stop_share = gr.Number(
                100 * OrthoSettings.stop_share, label="Stop below / %", elem_id="discover-stop-share", min_width=110,
                info="mean effect left; 0 never stops",
            )
        with gr.Row(
            elem_classes="sp-tight sp-saverow", visible=bool(sets), elem_id="discover-continue-box"
        ) as goes_on:
            continued = gr.Dropdown(
                list(sets), value=sets[0] if sets else None, label="Set to continue", elem_id="discover-continued",
                scale=4, min_width=160, info="with its prompts, layers and base; its settings are filled in",
            )
            go_on = gr.Button("Continue", elem_id="discover-continue", min_width=90, scale=0)
    return box, [base, pick_box, pick, vectors, stop_share, goes_on, continued, go_on]


def build_more(visible: bool, box: gr.Column, main: Sequence[Any]) -> OrthoControls:
    """The folded part, and all of it together."""
    with gr.Column(visible=visible, elem_id="discover-ortho-more", elem_classes="sp-options") as more:
        with gr.Row(elem_classes="sp-tight"):
            batch = gr.Number(
                OrthoSettings.batch, label="Vectors a batch", precision=0, elem_id="discover-batch", min_width=110,
                info="found together, then kept on disk",
            )
            steps = gr.Number(
                OrthoSettings.steps, label="Steps a batch", precision=0, elem_id="discover-ortho-steps", min_width=110,
                info="at most; it stops when flat",
            )
        with gr.Row(elem_classes="sp-tight"):
            rate = gr.Textbox(
                "", label="Learning rate", elem_id="discover-ortho-rate", min_width=110, max_lines=1,
                info="empty: fits the base", placeholder="fits the base",
            )
            penalty = gr.Number(
                OrthoSettings.penalty, label="Penalty", elem_id="discover-penalty", min_width=110,
                info="λ of λ‖θ‖²; 0: free norm",
            )
            tokens = gr.Textbox(
                "", label="Last tokens", elem_id="discover-ortho-tokens", min_width=110, max_lines=1,
                info="whose mean is repeated", placeholder="all positions",
            )
    return OrthoControls(box, more, *main, batch, steps, rate, penalty, tokens)
