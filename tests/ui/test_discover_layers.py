"""ui/discover_layers and ui/discover_method: what a preset says and sets."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from playground.ui import discover_layers, discover_method
from playground.ui.discover_layers import LayerControls

SMOLLM2 = SimpleNamespace(block_count=30, width=576, name="SmolLM2")


@pytest.fixture(scope="module")
def layers() -> LayerControls:
    with gr.Blocks():
        return discover_layers.build(None)


def test_a_preset_of_a_paper_sets_its_layers_and_the_recommended_one_those_of_the_model(layers: LayerControls) -> None:
    def shown(name: str) -> tuple[int, int, int]:
        told = layers.shown(discover_method.preset(name), SMOLLM2)
        return told[layers.source], told[layers.target], told[layers.vectors]

    assert shown("melbo-published") == (10, 19, 12)
    assert shown("melbo-best") == shown("power-published") == (7, 22, 12)
    told = layers.shown(discover_method.preset("ortho-published"), SMOLLM2)
    assert (told[layers.source], told[layers.target]) == (10, 20)
    assert layers.source not in layers.shown(discover_method.preset("random"), SMOLLM2)


def test_chips_say_what_is_recommended_and_what_is_in_the_paper() -> None:
    for method in ("power", "melbo", "ortho"):
        chips = discover_method.presets(method)
        assert chips.index(">Recommended<") < chips.index(">As in the paper<")
    assert "blocks 7 → L−8, one prompt, last 2 tokens, 12 vectors, 15 rounds" in discover_method.presets("power")
    assert discover_method.presets("difference") == ""
