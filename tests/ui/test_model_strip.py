"""The list of models to choose from, and the line that calls the shipped model a toy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playground.model.load import LoadedModel, load
from playground.services.model_choices import HUB_MODELS, LocalModel, ModelChoices
from playground.ui.model_strip import choices_board, label, toy_line

NONE_HERE = ModelChoices((), HUB_MODELS)
ONE_HERE = ModelChoices((LocalModel('/models/a"b<c>.gguf', 'a"b<c>.gguf', 97_000_000),), HUB_MODELS)


@pytest.fixture(scope="module")
def organism() -> LoadedModel:
    return load()


def test_the_organism_is_called_a_toy_and_a_real_model_is_offered(organism: LoadedModel) -> None:
    at_hand, to_fetch = toy_line(organism, ONE_HERE), toy_line(organism, NONE_HERE)
    assert "a toy" in at_hand
    assert 'data-act="load" data-name="/models/a&quot;b&lt;c&gt;.gguf"' in at_hand
    assert "97 MB on disk" in at_hand
    assert f'data-name="{HUB_MODELS[0].name}"' in to_fetch
    assert "from the Hub, 269 MB" in to_fetch


def test_a_real_model_is_called_nothing(organism: LoadedModel) -> None:
    assert toy_line(replace(organism, name="Qwen/Qwen3-0.6B"), ONE_HERE) == ""
    assert toy_line(None, ONE_HERE) == ""


def test_every_model_is_a_button_with_what_it_takes() -> None:
    board = choices_board(ONE_HERE)
    assert board.count('data-act="load"') == 2 + len(HUB_MODELS)
    assert 'data-name="organism"' in board
    assert "Qwen3-14B <small>29.5 GB</small>" in board
    assert "Llama-3.2-1B-Instruct <small>2.5 GB, terms to accept</small>" in board
    assert "<c>" not in board


def test_the_title_names_model_and_adapter_without_folders(organism: LoadedModel) -> None:
    adapted = replace(organism, name="/models/base + adapter /tmp/loras/pirate/")
    assert label(adapted) == f"base + adapter pirate · 12 blocks · {organism.device.type}"
    assert toy_line(adapted, ONE_HERE) == ""
