"""Turns before the prompt: typed as “role: text”, in the order templates want, read by the model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import InputError
from playground.limits import LIMITS
from playground.model.conversation import ROLES, Turn, check_turns, format, parse
from playground.model.prompting import PromptFormat, can_think, render

TALK = (Turn("user", "Hi"), Turn("assistant", "Hello you"))


@given(st.sampled_from(ROLES), st.text(min_size=1).filter(str.strip))
def test_any_turn_is_read_back_as_it_was_written(role, text):
    assert parse(format(Turn(role, text))) == Turn(role, text)


def test_the_space_after_the_colon_may_be_left_out():
    assert parse("user:Hi: there") == Turn("user", "Hi: there")


@pytest.mark.parametrize("text", ["", "Hello", "system: Be kind", "user", "user:", "assistant:  \n"])
def test_what_is_no_turn_is_refused(text):
    with pytest.raises(InputError, match="Expected a turn"):
        parse(text)


@pytest.mark.parametrize("turns", [TALK[:1], TALK[1:], (*TALK, TALK[0]), (TALK[0], TALK[0]), TALK * LIMITS.turns])
def test_turns_out_of_order_or_too_many_are_refused(turns):
    with pytest.raises(InputError, match="Expected .*turns"):
        check_turns(turns)


def test_the_model_reads_the_conversation_and_then_the_prompt(tiny):
    text = render(tiny("qwen3"), "Bye", PromptFormat(system="Be kind", thinking=True, turns=TALK))
    said = [("system", "Be kind"), ("user", "Hi"), ("assistant", "Hello you"), ("user", "Bye")]
    assert text == "".join(f"<|im_start|>{role}\n{what}<|im_end|>\n" for role, what in said) + "<|im_start|>assistant\n"


def test_a_system_prompt_is_folded_into_the_first_turn_where_the_template_refuses_it(tiny):
    text = render(tiny("gemma2"), "Bye", PromptFormat(system="Be kind", thinking=True, turns=TALK))
    assert text.count("Be kind") == 1
    assert "user\nBe kind\n\nHi<|im_end|>" in text


def test_plain_text_has_no_turns():
    with pytest.raises(InputError, match="Expected no turns before plain text, got 2"):
        PromptFormat(chat=False, turns=TALK)


def test_thinking_is_known_of_templates_that_write_something_else_with_it(tiny, monkeypatch):
    loaded = tiny("qwen3")
    assert can_think(loaded)
    assert not can_think(tiny("gpt2"))  # no template at all
    monkeypatch.setattr(loaded.tokenizer, "chat_template", "{{ messages[-1]['content'] }}>")
    assert not can_think(loaded)
    monkeypatch.setattr(loaded.tokenizer, "chat_template", "{{ raise_exception('tools only') }}")
    assert not can_think(loaded)
