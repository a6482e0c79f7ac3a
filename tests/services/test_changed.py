"""Difference of two texts, word by word."""

from __future__ import annotations

import pytest

from playground.services.changed import changed_share


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [("a b c", "a b c", 0), ("a b", "x", 1), ("a b", "a x", 0.5), ("", "", 0)],
)
def test_the_changed_share_counts_words_not_in_common(before, after, share):
    assert changed_share(before, after) == share
