"""Controls of source layer, target layer, number of vectors, and tokens that are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.methods.base.method import Method, Preset
from playground.methods.base.registry import registered
from playground.model.load import LoadedModel
from playground.ui.kit import defaults

TOKENS = 2
"""Last tokens to begin with where a method reads all as a rule."""


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

    def applies(self, method: Method, all_tokens: bool, answers: bool = False) -> dict[Any, Any]:
        """Which of them a method asks for; `answers`: the prompts bring along where they are read."""
        last = method.reads.tokens is not None and not answers
        return {
            self.target: gr.update(visible=method.reads.target),
            self.sizes: gr.update(visible=method.count is not None or last),
            self.vectors: gr.update(visible=method.count is not None),
            self.tokens: gr.update(visible=last and not all_tokens),
            self.all_tokens: gr.update(visible=last),
        }

    def changed(
        self,
        method: Method,
        before: Method,
        now: tuple[float, float, bool],
        loaded: LoadedModel | None,
        answers: bool = False,
    ) -> dict[Any, Any]:
        """Updates for another method than `before`: where (vectors, tokens, all tokens) stood as is usual for that one,
        they go to what is usual for this one; who has chosen otherwise keeps it. What stays is not written: an answer
        that comes late must not take back what was typed since.
        """
        vectors, tokens, all_tokens = now
        if (tokens, all_tokens) == _usual_tokens(before):
            tokens, all_tokens = _usual_tokens(method)
        shown = self.applies(method, all_tokens, answers)
        shown[self.tokens] |= {} if tokens == now[1] else {"value": tokens}
        shown[self.all_tokens] |= {} if all_tokens == now[2] else {"value": all_tokens}
        if method.count is not None:
            most = _most_vectors(method, loaded)
            usual = before.count is None or vectors == usual_vectors(before, loaded)
            value = usual_vectors(method, loaded) if usual else min(vectors, most)
            shown[self.vectors] |= _bounds(method, loaded)
            shown[self.vectors] |= {} if value == vectors else {"value": value}
        return shown

    def shown(self, method: Method, preset: Preset, loaded: LoadedModel | None) -> dict[Any, Any]:
        """Updates that show a preset; what it does not name goes back to what suits method and model."""
        values, usual = preset.values, defaults.layers(loaded)
        place = (usual.source, usual.target) if preset.layers is None else preset.layers(usual.last + 1)
        shown: dict[Any, Any] = {}
        if method.reads.target:
            shown |= dict(zip((self.source, self.target), place, strict=True))
        if method.count is not None:
            wanted = values.get("vectors", usual_vectors(method, loaded))
            shown[self.vectors] = min(wanted, _most_vectors(method, loaded))
        if method.reads.tokens is not None:
            tokens = values.get("target_tokens", method.reads.usual_tokens)
            shown |= {
                self.tokens: gr.update(value=tokens or TOKENS, visible=tokens is not None),
                self.all_tokens: tokens is None,
            }
        return shown

    def bounds(self, loaded: LoadedModel | None) -> dict[Any, Any]:
        """Updates for another model, where the first method is chosen."""
        bounds, first = defaults.layers(loaded), first_method()
        tokens, all_tokens = _usual_tokens(first)
        return {
            self.source: gr.update(minimum=0, maximum=max(bounds.last - 1, 1), value=bounds.source),
            self.target: gr.update(
                minimum=0 if bounds.last == 1 else 1, maximum=bounds.last, value=bounds.target,
                info=_target_info(bounds.last),
            ),
            self.vectors: gr.update(**_bounds(first, loaded), value=usual_vectors(first, loaded), visible=True),
            self.tokens: gr.update(value=tokens, visible=not all_tokens),
            self.all_tokens: gr.update(value=all_tokens, visible=True),
        }


def first_method() -> Method:
    """The method that the page begins with."""
    return next(iter(registered().values()))


def usual_vectors(method: Method, loaded: LoadedModel | None) -> int:
    """How many vectors to begin with."""
    return min(1 if method.count is None else method.count.usual, _most_vectors(method, loaded))


def _most_vectors(method: Method, loaded: LoadedModel | None) -> int:
    """The end of the slider: as many as one looks at, or for copies that are averaged all there is room for."""
    bounds = defaults.layers(loaded)
    if method.count is None or method.count.usual <= bounds.most_vectors:
        return bounds.most_vectors
    width = bounds.most_vectors if loaded is None else loaded.width
    return max(min(method.count.most, width - method.count.beside), 2)


def _bounds(method: Method, loaded: LoadedModel | None) -> dict[str, Any]:
    """The slider of vectors for a method that has it."""
    words = {} if method.count is None else {"label": method.count.label, "info": method.count.info}
    return {"maximum": _most_vectors(method, loaded), **words}


def _usual_tokens(method: Method) -> tuple[int, bool]:
    """(last tokens, all tokens) as they stand for a method to begin with."""
    tokens = method.reads.usual_tokens
    return tokens or TOKENS, method.reads.tokens is not None and tokens is None


def build(loaded: LoadedModel | None) -> LayerControls:
    bounds, first = defaults.layers(loaded), first_method()
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
                1, _most_vectors(first, loaded), usual_vectors(first, loaded), label="Vectors",
                elem_id="discover-vectors", info="how many; 12 is plenty to look at", **plain,
            )
            with gr.Column(min_width=150, elem_classes="sp-options"):
                tokens = gr.Slider(
                    1, 16, _usual_tokens(first)[0], label="Last tokens", elem_id="discover-tokens",
                    info="positions that are read", **plain,
                )
                all_tokens = gr.Checkbox(
                    False, label="all positions", elem_id="discover-all-tokens", container=False,
                    elem_classes="sp-mute sp-under",
                )
    return LayerControls(source, target, sizes, vectors, tokens, all_tokens)


def _target_info(last: int) -> str:
    return f"block the effect is read at, of {last + 1}"
