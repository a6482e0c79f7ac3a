"""library/selection.py: the first items or a sample, and answer letters alike."""

from __future__ import annotations

from collections import Counter

import pytest

from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.prompts import from_text, places, select


def lettered(first: int, then: int) -> PromptSet:
    """`first` items with the behaviour at (A), and after them `then` with it at (B)."""
    letters = [("(A)", "(B)")] * first + [("(B)", "(A)")] * then
    items = tuple(ChoiceItem(f"{i}? (A) yes (B) no", *answers) for i, answers in enumerate(letters))
    return PromptSet("lettered", "", "", "choices", items)


@pytest.mark.parametrize("seed", [None, 0, 7])
@pytest.mark.parametrize("count", [2, 5, 20, 41])
def test_a_set_that_begins_with_one_letter_is_balanced(seed, count):
    asked = lettered(100, 20)
    chosen = select(asked, count, seed, balance=True)
    letters = Counter(item.matching for item in chosen.items)
    assert sum(letters.values()) == count
    assert abs(letters["(A)"] - letters["(B)"]) == count % 2
    assert list(chosen.items) == [item for item in asked.items if item in chosen.items]  # in their order


def test_a_sample_comes_from_its_seed_and_from_the_whole_set():
    asked = lettered(100, 20)
    for balance in (False, True):
        drawn = [places(asked, 10, seed, balance) for seed in range(40)]
        assert drawn[3] == places(asked, 10, 3, balance)
        assert len(set(drawn)) > 30
        assert len({place for chosen in drawn for place in chosen}) > 80
    assert places(asked, 10) == tuple(range(10))
    assert places(asked, 4, balance=True) == (0, 1, 100, 101)
    assert len(places(asked, None, balance=True)) == 40


@pytest.mark.parametrize(
    ("asked", "count", "said"),
    [
        (lettered(100, 20), 42, "1 to 41"),
        (lettered(20, 20), 41, "1 to 40"),
        (lettered(9, 0), 4, r"none at .\(B\)"),
        (from_text("One\nTwo"), 2, "to balance"),
    ],
)
def test_a_balance_that_cannot_be_had_is_an_error(asked, count, said):
    with pytest.raises(InputError, match=said):
        select(asked, count, 0, balance=True)
