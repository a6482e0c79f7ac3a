"""Choosing prompts: what the controls are told for a choice."""

from __future__ import annotations

import gradio as gr
import pytest

from playground.ui import prompt_source
from playground.ui.prompt_source import BUILT_IN, PromptChoice, PromptSource
from playground.ui.state import Visitor


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
