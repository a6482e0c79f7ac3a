"""ui/discover: what a preset says and sets, and what the controls of a method's settings say."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from playground.methods.base.registry import method_of
from playground.ui.discover import layers as discover_layers
from playground.ui.discover import presets as discover_method
from playground.ui.discover.layers import LayerControls
from playground.ui.discover.settings import MIX, Builder, Given
from playground.ui.kit.pick import Pick

SMOLLM2 = SimpleNamespace(block_count=30, width=576, name="SmolLM2")


@pytest.fixture(scope="module")
def layers() -> LayerControls:
    with gr.Blocks():
        return discover_layers.build(None)


def test_a_preset_of_a_paper_sets_its_layers_and_the_recommended_one_those_of_the_model(layers: LayerControls) -> None:
    def shown(name: str) -> tuple[int, int, int]:
        told = layers.shown(*discover_method.preset(name), SMOLLM2)
        return told[layers.source], told[layers.target], told[layers.vectors]

    assert shown("melbo-published") == (10, 19, 12)
    assert shown("melbo-best") == shown("power-published") == (7, 22, 12)
    told = layers.shown(*discover_method.preset("ortho-published"), SMOLLM2)
    assert (told[layers.source], told[layers.target]) == (10, 20)
    assert layers.source not in layers.shown(*discover_method.preset("random"), SMOLLM2)


def test_another_model_begins_with_what_is_usual_for_the_first_method_again(layers: LayerControls) -> None:
    told = layers.changed(method_of("ortho"), method_of("power"), (12, 2, False), SMOLLM2)
    assert (told[layers.vectors]["label"], told[layers.all_tokens]["value"]) == ("Vectors at most", True)
    back = layers.bounds(SMOLLM2)
    assert (back[layers.vectors]["label"], back[layers.vectors]["value"]) == ("Vectors", 12)
    assert (back[layers.tokens]["value"], back[layers.all_tokens]["value"]) == (2, False)
    assert back[layers.tokens]["visible"] is True


def test_chips_say_what_is_recommended_and_what_is_in_the_paper() -> None:
    for method in ("power", "melbo", "ortho"):
        chips = discover_method.presets(method_of(method))
        assert chips.index(">Recommended<") < chips.index(">As in the paper<")
    power = discover_method.presets(method_of("power"))
    assert "blocks 7 → L−8, one prompt, last 2 tokens, 12 vectors, 15 rounds" in power
    assert discover_method.presets(method_of("difference")) == ""


def test_the_preset_of_melbo_ortho_reads_sinks_as_the_paper_did_and_all_positions() -> None:
    method, preset = discover_method.preset("ortho-published")
    published = dict(preset.values)
    assert published["read_sinks"] is True
    assert "read_sinks" not in discover_method.preset("ortho-best")[1].values
    assert method.reads.tokens == "all"
    assert "mean over all positions, sinks" in discover_method.presets(method_of("ortho"))
    with gr.Blocks():
        layers = discover_layers.build(None)
        builder = Builder(method, Pick(None, None), [], lambda name: None, visible=True)
        builder.basic()
        controls = builder.advanced()
    assert layers.shown(method, preset, SMOLLM2)[layers.all_tokens] is True  # all of them
    shown = controls.shown(published)
    values = [shown.get(part, part.value) for part in controls.inputs]
    values[0] = MIX
    read = controls.read(values, Given("a#0@1", lambda name: None))
    assert read == {
        "base": "a#0@1", "stop_share": 0.0, "batch": 1, "steps": 1000, "learning_rate": 0.01, "penalty": 0.0
    }  # fmt: skip
