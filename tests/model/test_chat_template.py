"""model/chat_template.py: what the user says is in the text, as the template wants it, and the same on every day."""

from __future__ import annotations

import copy
import dataclasses
import random

import pytest

from playground.errors import InputError
from playground.model import chat_template
from playground.model.chat_template import DATE, reads_date
from playground.model.conversation import Turn
from playground.model.prompting import PromptFormat, encode, render

PARTS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for c in message['content'] %}{% if c['type']=='text' %}{{c['text']}}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CLOCK = "Today is {{ strftime_now('%d %b %Y') }}. {{ messages[-1]['content'] }}>"


@pytest.fixture
def templated(tiny):
    def templated(template: str):
        loaded = dataclasses.replace(tiny("qwen3"), tokenizer=copy.deepcopy(tiny("qwen3").tokenizer))
        loaded.tokenizer.chat_template = template
        return loaded

    return templated


@pytest.mark.parametrize("prompt", ["How do I bake a loaf of bread?", "u", "im_start", " user "])
def test_content_is_given_as_parts_to_a_template_that_wants_it_so(templated, prompt):
    loaded = templated(PARTS)
    text = render(loaded, prompt, PromptFormat(system="Be kind."))
    assert text == (
        f"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    )
    tokens = encode(loaded, [prompt, f"{prompt} Please."], PromptFormat()).input_ids
    assert tokens[0].tolist() != tokens[1].tolist()


@pytest.mark.parametrize(
    "template",
    [
        "<|im_start|>user\nHello<|im_end|>\n",
        "{{ messages[0]['content'][:3] }}",
        "{% for m in messages %}{{ m['text'] }}{% endfor %}user:",
    ],
)
@pytest.mark.parametrize("prompt", ["How do I bake?", "user"])
def test_a_template_that_leaves_the_prompt_out_is_an_error(templated, template, prompt):
    with pytest.raises(InputError, match="writes what the user says, but that of .* leaves it out"):
        render(templated(template), prompt, PromptFormat())


def test_a_template_that_leaves_turns_out_is_an_error_and_one_that_drops_thoughts_is_not(templated, tiny):
    format = PromptFormat(turns=(Turn("user", "Hello there"), Turn("assistant", "<think>Well</think>\n\nGood day")))
    with pytest.raises(InputError, match="leaves it out"):
        render(templated("{{ messages[-1]['content'] }}>"), "And now?", format)
    drops = "{% for m in messages %}{{ m['content'].split('</think>')[-1] }}|{% endfor %}"
    assert render(templated(drops), "And now?", format) == "Hello there|\n\nGood day|And now?|"


def test_a_template_that_reads_the_clock_gives_the_same_tokens_on_every_day(templated, monkeypatch):
    loaded = templated(CLOCK)
    text = render(loaded, "Hi", PromptFormat())
    assert text == "Today is 01 Jan 2026. Hi>"
    import transformers.utils.chat_template_utils as theirs

    class Tomorrow(theirs.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 5, 6, tzinfo=tz)

    monkeypatch.setattr(theirs, "datetime", Tomorrow)
    assert render(loaded, "Hi", PromptFormat()) == text
    assert render(loaded, "Hi", PromptFormat(date="2025-03-09")) == "Today is 09 Mar 2025. Hi>"
    assert reads_date(loaded)
    assert not reads_date(templated(PARTS))
    longer = "{%- set day = strftime_now('%-d %B %y, %A %H:%M') %}\n  {%- macro say(m) %}{{ strftime_now('%F') }} "
    longer += "{{ m }}{% endmacro %}"
    longer += "{% if strftime_now is defined %}{{ day }} {{ say(messages[-1]['content']) }}{% endif %}"
    assert render(templated(longer), "Hi", PromptFormat()) == "1 January 26, Thursday 00:00 2026-01-01 Hi"
    spaced = "\n  {% if true %}\n  {{ messages[-1]['content'] }}{% endif %}"
    clock = "{% if false %}{{ strftime_now('%d') }}{% endif %}"
    assert render(templated(spaced + clock), "Hi", PromptFormat()) == render(templated(spaced), "Hi", PromptFormat())


def test_what_a_template_draws_is_the_same_in_every_run_and_other_draws_go_on(templated):
    loaded = templated("{{ range(1000) | random }} {{ lipsum(n=1) }} {{ messages[-1]['content'] }}")
    random.seed(5)
    before = random.getstate()
    first = render(loaded, "Hi", PromptFormat())
    assert random.getstate() == before
    random.seed(6)
    assert render(loaded, "Hi", PromptFormat()) == first


@pytest.mark.parametrize("value", ["", "today", "2026-13-01", "20260101", "2026-W01-1", None, 3])
def test_a_date_is_year_month_and_day(value):
    with pytest.raises(InputError, match="Expected a date as YYYY-MM-DD"):
        PromptFormat(date=value)
    chat_template.check_date(DATE)
