from __future__ import annotations

import pytest
import torch

from playground.core.krylov import solve
from playground.core.missed import SAFE_ROWS, MissedCheck, may_exceed
from playground.core.settings import KrylovSettings
from tests.core.test_converged import Diagonal, decaying, worst


def spread(values, seed):
    """Values that differ by up to 0.1 %, descending."""
    noise = torch.rand(len(values), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (values * (1 - 1e-3 * noise)).sort(descending=True).values


@pytest.mark.parametrize("copies", [4, 5, 8])
@pytest.mark.parametrize("apart", [False, True], ids=["equal", "nearly equal"])
def test_a_value_that_occurs_more_often_than_the_block_has_rows_is_found_as_often(copies, apart):
    values = torch.cat([torch.full((copies,), 10.0), 5 * decaying(200, 0.4)]).double()
    for seed in range(10):
        given = spread(values, seed) if apart else values
        spectrum = solve(Diagonal(given), KrylovSettings(copies + 2, block=4, seed=seed, steps=100))
        assert spectrum.converged
        assert worst(spectrum, given) <= 0.01


@pytest.mark.parametrize("block", [1, 2, 3])
def test_a_block_of_few_rows_misses_no_vector_by_chance(block):
    values = decaying(256, 0.35)
    for seed in range(12):
        spectrum = solve(Diagonal(values), KrylovSettings(6, block=block, seed=seed, steps=100))
        assert spectrum.converged
        assert worst(spectrum, values) <= 0.01


def test_a_subspace_block_that_holds_just_the_vectors_wanted_misses_none():
    values = decaying(192, 0.5)
    for seed in range(10):
        spectrum = solve(Diagonal(values), KrylovSettings(12, 400, block=12, seed=seed, solver="subspace"))
        assert spectrum.converged
        assert worst(spectrum, values) <= 0.01


def test_well_separated_values_need_no_further_rows():
    check = MissedCheck(4, SAFE_ROWS)
    assert check.lacking(torch.tensor([4.0, 3, 2, 1]), torch.full((4,), 1e-3), slack=1e-6) <= 0


def test_as_many_equal_values_as_rows_need_more_unless_they_are_the_last():
    check, small = MissedCheck(4, SAFE_ROWS), torch.full((6,), 1e-3)
    assert check.lacking(torch.tensor([9.0, 5, 5, 5, 5, 1]), small, slack=1e-6) == 1
    assert check.lacking(torch.tensor([9.0, 8, 5, 5, 5, 5]), small, slack=1e-6) <= 0


def test_fresh_rows_are_followed_for_as_many_steps_as_it_took_so_far():
    check = MissedCheck(1, SAFE_ROWS)
    assert check.lacking(torch.tensor([2.0, 1.0]), torch.full((2,), 1e-3), slack=1e-6) == 3
    check.add(3, step=7)
    assert check.until == 14
    assert check.lacking(torch.tensor([2.0, 1.0]), torch.full((2,), 1e-3), slack=1e-6) <= 0


def test_a_vector_beyond_may_exceed_the_least_wanted_until_its_residual_says_no():
    assert may_exceed((0.9, 0.3), least=1.0, tolerance=0.02)
    assert not may_exceed((0.9, 0.1), least=1.0, tolerance=0.02)
    assert not may_exceed((0.999, 0.01), least=1.0, tolerance=0.02)
    assert not may_exceed((0.0, 0.0), least=1.0, tolerance=0.02)
