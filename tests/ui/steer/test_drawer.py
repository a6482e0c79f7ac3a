"""The drawer of generations: bounded, each once, pinned side by side, hostile texts as text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from playground.errors import InputError
from playground.library.recipe import parse
from playground.ui.steer.drawer import MOST, DrawerState, Kept, drawn
from playground.ui.steer.state import Written


def kept(prompt: str, *texts: str) -> Kept:
    kinds = ("baseline", "steered")[: len(texts)]
    request = SimpleNamespace(prompts=(prompt,), recipes=(parse("a#0@1"),) if len(texts) > 1 else ())
    result = SimpleNamespace(rows=[SimpleNamespace(text=text) for text in texts])
    return Kept(Written(cast(Any, request), cast(Any, result), kinds, ""), (), "")


def test_the_last_thirty_are_kept_newest_first_each_once():
    state = DrawerState()
    assert drawn(state) == ""
    for number in range(MOST + 5):
        one = kept(f"prompt {number}", "a", "b")
        state.keep(one)
        state.keep(one)
    html = drawn(state)
    assert html.count("<li>") == MOST
    assert html.index("prompt 34") < html.index("prompt 33")
    assert "prompt 4<" not in html
    assert "a#0@1" in html
    with pytest.raises(InputError, match="one of the last 30 generations"):
        state.at("0")


@pytest.mark.parametrize("wrong", [None, "", "-1", "x", "9" * 5000, "²"])
def test_a_number_of_none_that_is_kept_is_refused(wrong):
    state = DrawerState()
    state.keep(kept("p", "a"))
    assert state.at("0") == 0
    with pytest.raises(InputError):
        state.at(wrong)


def test_pinned_generations_stand_side_by_side_over_their_prompts():
    state = DrawerState()
    state.keep(kept("first", "one two", "one three"))
    state.keep(kept("second", "base"))
    state.pin(0)
    state.pin(1)
    html = drawn(state, unfolded=True)
    assert '<details class="sp-card sp-drawer" open>' in html
    assert html.count("not generated") == 2
    assert "nothing added" in html
    state.pin(0)
    assert state.pins == (1,)


def test_hostile_prompts_and_texts_are_text():
    state = DrawerState()
    state.keep(kept("<img src=x>", "<b>", '"><script>'))
    state.pin(0)
    html = drawn(state)
    assert "<img" not in html
    assert "<script" not in html
