"""Choosing prompts: what the controls are told for a choice."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from playground.analyses.registry import measured
from playground.library import prompts as prompt_sets
from playground.ui.kit import defaults
from playground.ui.kit.markup import escape
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import layout as measure_layout
from playground.ui.widgets import prompt_source
from playground.ui.widgets.prompt_source import BUILT_IN, PromptChoice, PromptSource


@pytest.fixture(scope="module")
def source() -> PromptSource:
    with gr.Blocks():
        return prompt_source.build(None)


def test_how_many_are_used_is_left_where_it_is_while_there_are_as_many(source: PromptSource) -> None:
    told = source.updates(PromptChoice(BUILT_IN, "organism-refusals", "", 5), Visitor("one"))[source.use]
    assert "value" not in told
    assert told["maximum"] == 48


def test_how_many_are_used_follows_a_smaller_source_and_what_is_asked_for(source: PromptSource) -> None:
    typed = PromptChoice(prompt_source.TYPED, None, "One\nTwo\nThree", 8)
    assert source.updates(typed, Visitor("one"))[source.use]["value"] == 3
    chosen = PromptChoice(BUILT_IN, "organism-refusals", "", 5)
    assert source.updates(chosen, Visitor("one"), use=8)[source.use]["value"] == 8


def test_a_model_opens_on_one_sided_prompts_that_suit_it() -> None:
    organism, model = SimpleNamespace(name="organism"), SimpleNamespace(name="SmolLM2")
    assert prompt_source.default_set(model) == prompt_source.default_set(None) == "refusal-forks"
    assert prompt_source.default_set(organism) == "organism-refusals"
    assert prompt_source.default_contrast(model) == "refusal-contrast"
    assert prompt_source.default_contrast(organism) == "organism-code-contrast"
    assert not any(name.startswith("organism") for name in prompt_source.set_names(model))
    assert prompt_source.set_names(organism)[0].startswith("organism")
    assert sorted(prompt_source.set_names(organism)) == sorted(prompt_sets.built_in())
    for loaded in (organism, model):
        assert prompt_source.default_prompts(loaded).one_sided
        assert len(prompt_source.default_prompts(loaded).texts()) == prompt_source.USE == 8


@pytest.mark.parametrize("kind", list(measured().values()))
def test_measure_asks_the_organism_alone_what_is_about_the_organism(kind: str) -> None:
    assert measure_layout.usual_set(SimpleNamespace(name="organism"), kind).startswith("organism")
    assert not measure_layout.usual_set(SimpleNamespace(name="SmolLM2"), kind).startswith("organism")
    assert measure_layout.usual_set(SimpleNamespace(name="SmolLM2"), measured()["next-token"]) == "refusal-forks"


@pytest.mark.parametrize(
    ("name", "label", "preview"),
    [("refusal-forks", "Use the first … of 48", "8 of 48 used"),
     ("refusal-contrast", "Use the first … of 42 pairs", "16 of 84 used")],
)  # fmt: skip
def test_what_is_counted_is_what_is_used(source: PromptSource, name: str, label: str, preview: str) -> None:
    choice, visitor = PromptChoice(BUILT_IN, name, "", 8), Visitor("one")
    told = source.updates(choice, visitor)
    assert told[source.use]["label"] == label
    assert preview in told[source.preview]
    assert preview.startswith(f"{len(choice.chosen(visitor).texts())} ")


def test_the_layers_to_begin_with_are_a_quarter_and_three_quarters_up() -> None:
    found = [defaults.layers(SimpleNamespace(block_count=blocks, width=64)) for blocks in (30, 12, 28, 2)]
    assert [(layers.source, layers.target) for layers in found] == [(7, 22), (3, 9), (7, 21), (0, 1)]


def test_drawn_prompts_are_those_that_are_shown_and_used(source: PromptSource) -> None:
    visitor = Visitor("one")
    first = PromptChoice(BUILT_IN, "organism-oversight", "", 4)
    for order, seed in ((prompt_source.DRAWN, 3), (prompt_source.BALANCED, 3), (prompt_source.DRAWN, 4)):
        choice = replace(first, order=order, draw_seed=seed)
        chosen = choice.chosen(visitor)
        told = source.updates(choice, visitor)
        assert chosen != first.chosen(visitor)
        assert all(escape(text) in told[source.preview] for text in chosen.texts())
        assert told[source.draw_seed]["visible"]
        assert "first" not in told[source.use]["label"]
    assert sorted(item.matching for item in replace(first, order=prompt_source.BALANCED).chosen(visitor).items) == [
        "(A)", "(A)", "(B)", "(B)"
    ]  # fmt: skip
    refused = source.updates(PromptChoice(BUILT_IN, "neutral", "", 4, prompt_source.BALANCED), visitor)
    assert "to balance" in refused[source.preview]


def test_a_list_of_an_uploaded_file_is_chosen_by_its_name(source: PromptSource, tmp_path) -> None:
    visitor, path = Visitor("one"), tmp_path / "two.json"
    path.write_text(json.dumps({"easy": ["One", "Two"], "hard": ["Three"]}))
    assert source.take_upload(visitor, "discover", str(path)) == {}
    choice = PromptChoice(prompt_source.UPLOADED, None, "", 8)
    told = source.updates(choice, visitor)
    assert told[source.category]["choices"] == ["easy", "hard"]
    assert told[source.category]["visible"]
    assert choice.chosen(visitor).texts() == ("One", "Two")
    assert replace(choice, category="hard").chosen(visitor).texts() == ("Three",)
    source.take_upload(visitor, "discover", None)
    assert not source.updates(choice, visitor)[source.category]["visible"]
