"""Difference of two texts, word by word."""

from __future__ import annotations

import random

import pytest

from playground.services.changed import changed_share, first_difference, pieces


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


def plain_length(old: list[str], new: list[str]) -> int:
    """Words in common by the textbook's table."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for row, one in enumerate(old, start=1):
        for column, other in enumerate(new, start=1):
            same = table[row - 1][column - 1] + 1 if one == other else 0
            table[row][column] = max(same, table[row - 1][column], table[row][column - 1])
    return table[-1][-1]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_is_a_longest_common_subsequence_of_words(seed):
    draws = random.Random(seed)
    old, new = (draws.choices("abcdef"[: 1 + seed % 6], k=draws.randrange(30)) for _ in range(2))
    parts = pieces(" ".join(old), " ".join(new))
    kept = [word for text, changed in parts if not changed for word in text.split()]
    longest = plain_length(old, new)
    rest = iter(old)
    assert "".join(text for text, _ in parts) == " ".join(new)
    assert len(kept) == longest
    assert all(word in rest for word in kept)
    assert changed_share(" ".join(old), " ".join(new)) == pytest.approx(
        1 - 2 * longest / (len(old) + len(new)) if old or new else 0
    )


def test_texts_too_long_to_compare_have_their_beginning_and_end_in_common():
    old, new = ("begin " + f"{word} " * 9000 + "end" for word in ("one", "two three"))
    assert pieces(old, new) == [("begin ", False), ("two three " * 8999 + "two three", True), (" end", False)]
