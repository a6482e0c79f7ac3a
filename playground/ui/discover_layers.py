"""Controls of source layer, target layer and number of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.model.load import LoadedModel
from playground.services.find.presets import Preset
from playground.ui import defaults
from playground.ui.discover_method import COUNTED, LAST_TOKENS, LAYERED

TOKENS = 2
ONE = 1


@dataclass(frozen=True)
class LayerControls:
    source: gr.Slider
    target: gr.Slider
    sizes: gr.Row
    vectors: gr.Slider
    tokens: gr.Slider
    all_tokens: gr.Checkbox

    @property
    def inputs(self) -> list[Any]:
        return [self.source, self.target, self.vectors, self.tokens, self.all_tokens]

    @property
    def outputs(self) -> list[Any]:
        return [*self.inputs, self.sizes]

    def applies(self, method: str, all_tokens: bool, answers: bool = False) -> dict[Any, Any]:
        """Which of them a method asks for; `answers`: the prompts bring along where they are read."""
        last = method in LAST_TOKENS and not answers
        return {
            self.target: gr.update(visible=method in LAYERED),
            self.sizes: gr.update(visible=method in COUNTED or last),
            self.vectors: gr.update(visible=method in COUNTED),
            self.tokens: gr.update(visible=last and not all_tokens),
            self.all_tokens: gr.update(visible=last),
        }

    def usual_tokens(self, method: str, now: float, all_tokens: bool) -> dict[Any, Any]:
        """A mean difference is read at the last token as a rule; who has chosen another number keeps it."""
        wanted, other = (ONE, TOKENS) if method == "difference" else (TOKENS, ONE)
        visible = method in LAST_TOKENS and not all_tokens
        return {self.tokens: gr.update(value=wanted, visible=visible)} if now == other else {}

    def shown(self, preset: Preset, loaded: LoadedModel | None) -> dict[Any, Any]:
        """Updates that show a preset; what it does not name goes back to what suits the model."""
        method, values, usual = preset.method, preset.values, defaults.layers(loaded)
        place, tokens = (usual.source, usual.target), values.get("target_tokens", TOKENS)
        if preset.layers is not None:
            place = preset.layers(usual.last + 1)
        shown: dict[Any, Any] = dict(zip((self.source, self.target), place, strict=True)) if method in LAYERED else {}
        if method in COUNTED:
            shown[self.vectors] = values.get("vectors", usual.vectors)
        if method in LAST_TOKENS:
            shown |= {
                self.tokens: gr.update(value=tokens or TOKENS, visible=tokens is not None),
                self.all_tokens: tokens is None,
            }
        return shown

    def bounds(self, loaded: LoadedModel | None) -> dict[Any, Any]:
        """Updates for another model."""
        bounds = defaults.layers(loaded)
        return {
            self.source: gr.update(minimum=0, maximum=max(bounds.last - 1, 1), value=bounds.source),
            self.target: gr.update(
                minimum=0 if bounds.last == 1 else 1, maximum=bounds.last, value=bounds.target,
                info=_target_info(bounds.last),
            ),
            self.vectors: gr.update(maximum=bounds.most_vectors, value=bounds.vectors),
        }


def build(loaded: LoadedModel | None) -> LayerControls:
    bounds = defaults.layers(loaded)
    plain: dict[str, Any] = {"step": 1, "buttons": [], "min_width": 150}
    with gr.Group(elem_classes="sp-card"):
        with gr.Row(elem_classes="sp-tight"):
            source = gr.Slider(
                0, max(bounds.last - 1, 1), bounds.source, label="Source layer", elem_id="discover-source",
                info="block the direction is added at", **plain,
            )
            target = gr.Slider(
                0 if bounds.last == 1 else 1, bounds.last, bounds.target, label="Target layer",
                elem_id="discover-target", info=_target_info(bounds.last), **plain,
            )
        with gr.Row(elem_classes="sp-tight") as sizes:
            vectors = gr.Slider(
                1, bounds.most_vectors, bounds.vectors, label="Vectors", elem_id="discover-vectors",
                info="how many; 12 is plenty to look at", **plain,
            )
            with gr.Column(min_width=150, elem_classes="sp-options"):
                tokens = gr.Slider(
                    1, 16, TOKENS, label="Last tokens", elem_id="discover-tokens",
                    info="positions that are read", **plain,
                )
                all_tokens = gr.Checkbox(
                    False, label="all positions", elem_id="discover-all-tokens", container=False,
                    elem_classes="sp-mute sp-under",
                )
    return LayerControls(source, target, sizes, vectors, tokens, all_tokens)


def _target_info(last: int) -> str:
    return f"block the effect is read at, of {last + 1}"
