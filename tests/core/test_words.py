"""core/words.py: changes of √p and shares of KL, against finite differences and the definition, in float64."""

from __future__ import annotations

import math

import pytest
import torch

from playground.core.words import leading_tokens, probability_changes, shares


@pytest.fixture
def logits() -> torch.Tensor:
    return 2 * torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def changes() -> torch.Tensor:
    return torch.randn(5, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_change_is_twice_that_of_the_root_of_the_probability(logits, changes):
    step = 1e-5
    up, down = ((logits + sign * step * changes).softmax(dim=-1).sqrt() for sign in (1, -1))
    torch.testing.assert_close(probability_changes(logits, changes), (up - down) / step, atol=1e-9, rtol=1e-6)


def test_half_the_sum_of_squares_is_the_kl_of_a_small_push(logits, changes):
    scale = 1e-3
    steered, still = (logits + scale * changes).log_softmax(dim=-1), logits.log_softmax(dim=-1)
    kl = (steered.exp() * (steered - still)).sum(dim=-1)
    expected = probability_changes(logits, changes).square().sum(dim=-1) / 2
    torch.testing.assert_close(kl / scale**2, expected, atol=0, rtol=5e-3)  # third order: a thousandth of a few


def test_a_shift_of_all_logits_changes_nothing_and_neither_does_a_token_that_is_never_said(logits, changes):
    torch.testing.assert_close(probability_changes(logits, changes + 3), probability_changes(logits, changes))
    logits[7], changes[:, 7] = -math.inf, math.nan
    found = probability_changes(logits, changes)
    assert found.isfinite().all()
    assert not found[:, 7].any()


def test_shares_add_up_to_one_and_are_zero_in_a_row_of_zeros(changes):
    changes[2] = 0
    torch.testing.assert_close(shares(changes).sum(dim=1), torch.tensor([1.0, 1, 0, 1, 1], dtype=torch.float64))


def test_the_negative_has_the_words_of_the_other_side(changes):
    chance = torch.full((40,), 1 / 40, dtype=torch.float64)
    ahead, behind = leading_tokens(changes, chance, 7), leading_tokens(-changes, chance, 7)
    assert ahead == [(minus, plus) for plus, minus in behind]
    assert all(plus and minus and not {*plus} & {*minus} for plus, minus in ahead)


def test_words_are_ordered_and_those_with_as_large_a_part_in_chance_are_left_out():
    changes = torch.tensor([[4.0, 3.0, -5.0, 0.1, 2.0]])
    chance = torch.tensor([0.1, 0.9, 0.1, 0.0, 0.0])
    assert leading_tokens(changes, chance, 7) == [([0, 4, 3], [2])]
    assert leading_tokens(changes, chance, 2) == [([0, 4], [2])]
    assert leading_tokens(0 * changes, chance, 2) == [([], [])]
