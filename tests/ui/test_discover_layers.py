"""ui/discover_layers and ui/discover_method: what a preset says and sets."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from playground.core.settings import OrthoSettings
from playground.ui import discover_layers, discover_method, discover_ortho
from playground.ui.discover_layers import LayerControls
from playground.ui.discover_ortho import MIX, OrthoOptions
from playground.ui.vector_picker import Pick

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


def test_the_preset_of_melbo_ortho_reads_sinks_as_the_paper_did_and_all_positions() -> None:
    published = dict(discover_method.preset("ortho-published").values)
    assert published["read_sinks"] is True
    assert "read_sinks" not in discover_method.preset("ortho-best").values
    assert "ortho" in discover_method.MAY_READ_ALL
    assert "mean over all positions, sinks" in discover_method.presets("ortho")
    with gr.Blocks():
        box, main = discover_ortho.build(Pick(None, None), [], [], lambda name: None, visible=True)
        controls = discover_ortho.build_more(True, box, main)
    assert controls.shown(published)[controls.tokens] == ""  # all of them
    options = OrthoOptions(MIX, Pick(None, None), 8, 5, None, 16, OrthoSettings.steps, "", 0, "3")
    assert options.fields("a#0@1", lambda name: None)["target_tokens"] == 3
