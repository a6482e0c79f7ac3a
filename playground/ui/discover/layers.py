"""Controls of source layer, target layer, number of vectors, and tokens to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.limits import at_most
from playground.methods.base.method import Method, Preset
from playground.methods.base.registry import registered
from playground.model.load import LoadedModel
from playground.ui.kit import defaults

TOKENS = 2
"""Value of the slider of last tokens for a method whose default is all tokens."""


@dataclass(frozen=True)
class LayerControls:
    """The components."""

    source: gr.Slider
    target: gr.Slider
    sizes: gr.Row
    vectors: gr.Slider
    tokens: gr.Slider
    all_tokens: gr.Checkbox

    @property
    def inputs(self) -> list[Any]:
        """The components with values, in the order of the form."""
        return [self.source, self.target, self.vectors, self.tokens, self.all_tokens]

    @property
    def outputs(self) -> list[Any]:
        """All components that updates may write to."""
        return [*self.inputs, self.sizes]

    def applies(self, method: Method, all_tokens: bool, answers: bool = False) -> dict[Any, Any]:
        """Updates that show the controls of a method; with `answers` activations are read at the prompts' answers."""
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
        """Updates for a change from the method `before`: values of `now` (vectors, tokens, all tokens) that were its
        defaults become those of the new method, others stay. A value that stays is not written, since a late response
        must not undo what was typed since.
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
        """Updates that show a preset; values that it does not name go back to the defaults of method and model."""
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
        """Updates for another model, with the first method."""
        bounds, first = defaults.layers(loaded), first_method()
        tokens, all_tokens = _usual_tokens(first)
        return {
            self.source: gr.update(minimum=0, maximum=max(bounds.last - 1, 1), value=bounds.source),
            self.target: gr.update(
                minimum=0 if bounds.last == 1 else 1, maximum=bounds.last, value=bounds.target,
            ),
            self.vectors: gr.update(**_bounds(first, loaded), value=usual_vectors(first, loaded), visible=True),
            self.tokens: gr.update(value=tokens, visible=not all_tokens),
            self.all_tokens: gr.update(value=all_tokens, visible=True),
        }


def first_method() -> Method:
    """The default method."""
    return next(iter(registered().values()))


def usual_vectors(method: Method, loaded: LoadedModel | None) -> int:
    """Default number of vectors."""
    return min(1 if method.count is None else method.count.usual, _most_vectors(method, loaded))


def _most_vectors(method: Method, loaded: LoadedModel | None) -> int:
    """The end of the slider of vectors: the usual one, or for methods whose copies are averaged all that fit."""
    bounds = defaults.layers(loaded)
    if method.count is None or method.count.usual <= bounds.most_vectors:
        return bounds.most_vectors
    width = bounds.most_vectors if loaded is None else loaded.width
    return max(min(method.count.most, width - method.count.beside), 2)


def _bounds(method: Method, loaded: LoadedModel | None) -> dict[str, Any]:
    """Properties of the slider of vectors for a method."""
    most = _most_vectors(method, loaded)
    if method.count is None:
        return {"maximum": most}
    info = "; ".join(part for part in (method.count.info, at_most(most)) if part)
    return {"maximum": most, "label": method.count.label, "info": info}


def _usual_tokens(method: Method) -> tuple[int, bool]:
    """Default (last tokens, all tokens) of a method."""
    tokens = method.reads.usual_tokens
    return tokens or TOKENS, method.reads.tokens is not None and tokens is None


def build(loaded: LoadedModel | None) -> LayerControls:
    """The components, filled in for this model and the first method."""
    bounds, first = defaults.layers(loaded), first_method()
    plain: dict[str, Any] = {"step": 1, "buttons": [], "min_width": 150}
    with gr.Group(elem_classes="sp-card"):
        with gr.Row(elem_classes="sp-tight"):
            source = gr.Slider(
                0, max(bounds.last - 1, 1), bounds.source, label="Source layer", elem_id="discover-source",
                elem_classes="sp-slim", **plain,
            )
            target = gr.Slider(
                0 if bounds.last == 1 else 1, bounds.last, bounds.target, label="Target layer",
                elem_id="discover-target", elem_classes="sp-slim", **plain,
            )
        with gr.Row(elem_classes="sp-tight") as sizes:
            vectors = gr.Slider(
                1, value=usual_vectors(first, loaded), elem_id="discover-vectors", **_bounds(first, loaded), **plain,
            )
            with gr.Column(min_width=150, elem_classes="sp-options"):
                tokens = gr.Slider(
                    1, 16, _usual_tokens(first)[0], label="Last tokens read", elem_id="discover-tokens", **plain,
                )
                all_tokens = gr.Checkbox(
                    False, label="all positions", elem_id="discover-all-tokens", container=False,
                    elem_classes="sp-mute sp-under",
                )
    return LayerControls(source, target, sizes, vectors, tokens, all_tokens)
