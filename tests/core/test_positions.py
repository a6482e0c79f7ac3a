"""core/positions.py: windows over prompt and generated tokens, pass by pass, against a list of every token."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.core.positions import check_positions, said, window
from playground.errors import InputError


def members(positions: str, prompt: int, total: int) -> set[int]:
    """The places that are meant, written out."""
    if positions.startswith("first-"):
        return set(range(prompt, min(total, prompt + int(positions[6:]))))
    return {
        "all": set(range(total)), "prompt": set(range(prompt)), "last": {prompt - 1},
        "generated": set(range(prompt, total)),
    }[positions]  # fmt: skip


@given(
    st.sampled_from(["all", "prompt", "last", "generated", "first-1", "first-3", "first-40"]),
    st.integers(1, 6),
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
)
def test_passes_of_any_length_reach_the_places_that_are_meant(positions, prompt, passes):
    where, start, reached = window(positions), 0, set()
    total = sum(passes)
    for length in passes:
        first, end = where.places(prompt, start, length)
        assert 0 <= first <= end <= length
        reached |= set(range(start + first, start + end))
        start += length
    meant = members(positions, prompt, total)
    assert reached == {place for place in meant if place < total}
    numbers = torch.arange(total) - (prompt - 1)
    assert set(where.holds(numbers).nonzero().flatten().tolist()) == reached


@pytest.mark.parametrize(
    "positions", ["some", "first", "first-", "first-0", "first-x", "first--1", "first-٣", "", None, 3]
)
def test_what_is_no_window_is_refused(positions):
    with pytest.raises(InputError, match="^Expected positions all, prompt, last, generated or first-N"):
        check_positions(positions)


def test_whether_a_prompt_is_reached_and_what_it_is_called():
    assert [window(each).reaches_prompt for each in ("all", "prompt", "last", "generated", "first-2")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert said("last") == "the last prompt token"
    assert said("first-1") == "the first generated token"
    assert said("first-8") == "the first 8 generated tokens"
    assert said("all") == "all tokens"
