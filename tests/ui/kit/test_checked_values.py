"""Values from the browser are refused by type, in one sentence, before a handler gets them."""

from __future__ import annotations

import asyncio
import math

import gradio as gr
import pytest

from playground.errors import InputError
from playground.ui.kit.checked_values import CheckedBlocks, checked
from playground.ui.kit.event_order import NUMBERED_JS

WRONG = {
    "text": (gr.Textbox, {}, [7, 1.5, True, ["a"], {"a": 1}]),
    "true or false": (gr.Checkbox, {}, [7, "yes", ["a"], {"a": 1}]),
    "one of its choices": (gr.Radio, {"choices": ["a"]}, [7, True, ["a"], {"a": 1}]),
    "one of its choices (menu)": (gr.Dropdown, {"choices": ["a"]}, [7, True, ["a"], {"a": 1}]),
    "one of its choices (several)": (gr.Dropdown, {"choices": ["a"], "multiselect": True}, [[7], [["a"]], {"a": 1}]),
    "a finite number": (gr.Number, {}, ["7", True, [7], {"a": 1}, math.nan, math.inf, 10**400]),
    "a finite number (slider)": (gr.Slider, {}, ["7", True, [7], {"a": 1}, math.nan, None]),
}


@pytest.mark.parametrize("expected", WRONG)
def test_a_value_of_another_type_is_refused_in_one_sentence(expected):
    kind, options, values = WRONG[expected]
    for value in values:
        words = f"^Expected {expected.partition(' (')[0]} for “What”, got .*; change it.$"
        with pytest.raises(InputError, match=words):
            checked([kind(label="What", **options)], [value], bounds=False)


def test_what_the_page_sends_passes_and_no_text_is_empty():
    several = gr.Dropdown(["a"], multiselect=True)
    parts = [gr.Textbox(), gr.Number(), gr.Slider(0, 5), gr.Checkbox(), several, gr.Radio(["a"])]
    assert checked(parts, ["hi", 3, 2.5, True, ["a"], "a"], bounds=True) == ["hi", 3, 2.5, True, ["a"], "a"]
    assert checked(parts[:2], [None, None], bounds=True) == ["", None]


def test_numbers_out_of_range_are_refused_where_the_range_is_the_one_shown():
    part = gr.Slider(1, 16, label="Restarts")
    with pytest.raises(InputError, match="^Expected “Restarts” from 1 to 16, got 1000000000; change it.$"):
        checked([part], [10**9], bounds=True)
    assert checked([part], [10**9], bounds=False) == [10**9]


def test_a_numbered_value_is_a_pair_and_no_other_one_is():
    part = gr.Dropdown(["a"], label="Set")
    assert checked([part], [["a", 3]], bounds=False, numbered=True) == [["a", 3]]
    for value, numbered in ((["a", 3], False), ("a", True), ([7, 3], True), (["a", "3"], True), (["a", 3, 4], True)):
        with pytest.raises(InputError):
            checked([part], [value], bounds=False, numbered=numbered)


def test_a_handler_never_sees_a_refused_value():
    seen = []
    with CheckedBlocks() as page:
        text = gr.Textbox(label="Name")
        text.submit(seen.append, text, None, preprocess=False)
        text.change(lambda value: seen.append(value), text, None, js=NUMBERED_JS, preprocess=False)
    for number, value in ((0, {"a": 1}), (0, []), (1, "no number")):
        with pytest.raises(gr.Error, match="Expected"):
            asyncio.run(page.process_api(number, [value]))
    with pytest.raises(gr.Error, match="Expected 1 values"):
        asyncio.run(page.process_api(0, []))
    assert seen == []
    asyncio.run(page.process_api(0, [None]))
    assert seen == [""]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_an_event_leaves_alone_costs_nothing_and_the_answer_is_gradios(count, monkeypatch):
    def answer(kind):
        with kind() as page:
            parts = [gr.HTML(), gr.Slider(0, 9), gr.Row(), gr.Textbox(), gr.Plot()]
            updates = [gr.update(value="a", visible=False), 3, gr.update(visible=True), "b", None]
            changed = dict(zip(parts, updates, strict=True))
            gr.Button().click(lambda: dict(list(changed.items())[:count]), None, parts)
        built.clear()
        return asyncio.run(page.process_api(0, []))["data"]

    built = []
    monkeypatch.setattr(gr.Plot, "__init__", _counted(gr.Plot.__init__, built))
    expected, plain = answer(gr.Blocks), len(built)
    assert answer(CheckedBlocks) == expected
    assert (plain, len(built)) == (0 if count == 5 else 1, 0)


def _counted(init, calls):
    def counted(self, *args, **kwargs):
        calls.append(self)
        init(self, *args, **kwargs)

    return counted
