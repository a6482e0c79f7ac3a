"""Difference of two texts, word by word."""

from __future__ import annotations

import pytest

from playground.services.changed import changed_share, first_difference


@pytest.mark.parametrize(
    ("text", "baseline", "answers"),
    [
        ("class Lighthouse:\n    pass", "I'm sorry, but no.", ("class", "I'm")),
        ("I'm glad to help.", "I'm sorry, but no.", ("I'm glad", "I'm sorry,")),
        ("I'm sorry.", "I'm sorry.", None),
        ("", "I'm sorry.", None),
        ("I'm", "I'm sorry.", None),
    ],
)
def test_the_answers_that_tell_a_text_from_the_baseline_reach_to_the_first_word_that_differs(text, baseline, answers):
    assert first_difference(text, baseline) == answers


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [("a b c", "a b c", 0), ("a b", "x", 1), ("a b", "a x", 0.5), ("", "", 0)],
)
def test_the_changed_share_counts_words_not_in_common(before, after, share):
    assert changed_share(before, after) == share
