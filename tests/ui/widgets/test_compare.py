"""Pinned texts side by side: what is coloured against what, gaps, hostile texts, looping texts."""

from __future__ import annotations

import re

from playground.ui.widgets.compare import MOST_PROMPTS, Pinned, side_by_side


def pinned(title: str, *texts: str | None) -> Pinned:
    opens = tuple(f'data-act="steer" data-cell="{place}"' for place in range(len(texts)))
    return Pinned(title, texts, opens, 'data-act="pin" data-cell="0"')


def marked(html: str) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark>", html)


def test_nothing_is_drawn_without_a_pin():
    assert side_by_side(["p"], ["b"], []) == ""


def test_one_text_is_coloured_against_the_baseline_and_several_against_the_first():
    one = side_by_side(["p"], ["a b"], [pinned("+1 at 1", "a c")])
    assert marked(one) == ["c"]
    two = side_by_side(["p"], ["a b"], [pinned("+1 at 1", "a c"), pinned("−2 at 1", "a c d")])
    assert marked(two) == [" d"] or marked(two) == ["d"]
    assert "differ from “+1 at 1”" in two


def test_a_prompt_without_a_text_says_so_and_many_prompts_are_cut():
    html = side_by_side(["p", "q"], ["a", None], [pinned("+1 at 1", "a", None)])
    assert html.count("not generated") == 2
    many = [str(number) for number in range(MOST_PROMPTS + 5)]
    html = side_by_side(many, many, [pinned("+1 at 1", *many)])
    assert html.count("<tr>") == MOST_PROMPTS + 1
    assert f"The first {MOST_PROMPTS} of {MOST_PROMPTS + 5} prompts" in html


def test_texts_and_titles_never_become_markup():
    hostile = "<img src=x onerror=1>\"'"
    html = side_by_side([hostile], [hostile], [pinned(hostile, hostile), pinned("b", "x")])
    assert "<img" not in html


def test_looping_texts_are_compared_at_once(quickest):
    columns = [pinned("a", "a " * 400), pinned("b", "b a " * 400)]
    assert quickest(lambda: side_by_side(["p"], ["a " * 400], columns)) < 0.05
