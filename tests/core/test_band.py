"""core/band: bands of singular values, and the search of a sphere against known maxima and random directions."""

from __future__ import annotations

import math

import pytest
import torch

from playground.core.band import SearchSettings, SearchStep, bands, search
from playground.errors import Cancelled, InputError


def searched(objective, candidates, budget=192, seed=0) -> SearchStep:
    *_, last = search(objective, candidates, SearchSettings(budget, seed))
    return last


def rows_of(m: int) -> torch.Tensor:
    """The rows of a band and their negatives, in its own coordinates."""
    return torch.cat([torch.eye(m), -torch.eye(m)])


def quadratic(m: int, seed: int):
    """x ↦ xᵀAx with A positive semi-definite, and its largest eigenvalue, the maximum on the sphere."""
    factor = torch.randn(m, m, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    a = factor @ factor.T
    return lambda x: (x.double() @ a * x).sum(dim=1), float(torch.linalg.eigvalsh(a)[-1])


def test_neighbours_within_the_width_are_a_band_and_every_row_is_in_one():
    values = torch.tensor([9.0, 5.0, 4.9, 4.8, 2.0, 1.91, 1.0])
    assert bands(values) == ((0, 1), (1, 4), (4, 6), (6, 7))
    assert bands(values, 0.5) == ((0, 4), (4, 7))
    assert bands(values, 0.01) == tuple((row, row + 1) for row in range(7))
    assert bands(values.flip(0)) == ((0, 1), (1, 3), (3, 6), (6, 7))
    assert bands(torch.zeros(0)) == ()


@pytest.mark.parametrize("m", [2, 4, 7])
def test_the_maximum_of_a_quadratic_form_is_the_leading_eigenvector(m):
    for seed in range(6):
        objective, most = quadratic(m, seed)
        found = searched(objective, rows_of(m), seed=seed)
        assert float(found.best.norm()) == pytest.approx(1)
        assert float(objective(found.best[None])[0]) == pytest.approx(found.value)
        assert found.value == pytest.approx(most, rel=0.05)
        assert found.value <= most * (1 + 1e-9)


def test_in_six_dimensions_and_more_it_beats_as_many_random_directions():
    """Mean of ten over the maximum, budget 192: 0.99 by the search, 0.86 by random directions."""
    own, random = [], []
    for seed in range(10):
        objective, most = quadratic(7, seed)
        found = searched(objective, rows_of(7), seed=seed)
        own.append(found.value / most)
        random.append(found.random_value / most)
    print(f"search {sum(own) / 10:.3f}, random {sum(random) / 10:.3f}")
    assert sum(own) / 10 > 0.97
    assert sum(random) / 10 < 0.93


@pytest.mark.parametrize("seed", range(8))
def test_what_is_found_is_never_worse_than_the_best_candidate(seed):
    """Also where all is flat but one needle at a candidate, and for budgets that hardly reach beyond candidates."""
    m = 3 + seed % 4
    needle = rows_of(m)[seed % (2 * m)].double()
    for budget in (2 * m, 2 * m + 1, 60):
        found = searched(lambda x: ((x.double() @ needle) > 0.9999).double(), rows_of(m), budget, seed)
        assert found.value == 1
        objective, _ = quadratic(m, seed)
        assert searched(objective, rows_of(m), budget, seed).value >= float(objective(rows_of(m)).max())


@pytest.mark.parametrize("budget", [1, 5, 12, 13, 50, 193])
def test_the_search_and_random_directions_have_the_budget_each_and_no_more(budget):
    asked: list[torch.Tensor] = []

    def objective(x):
        asked.append(x)
        assert torch.allclose(x.norm(dim=1), torch.ones(len(x), dtype=x.dtype))
        return x[:, 0]

    steps = list(search(objective, rows_of(6), SearchSettings(budget)))
    assert sum(map(len, asked)) == 2 * budget
    assert steps[-1].evaluations == budget
    drawn = torch.cat([x[len(x) // 2 :] for x in asked])
    assert steps[-1].random_value == pytest.approx(float(drawn[:, 0].max()))
    assert [step.value for step in steps] == sorted(step.value for step in steps)


def test_equal_seeds_give_equal_runs_and_others_do_not():
    objective, _ = quadratic(5, 0)
    first, again, other = (searched(objective, rows_of(5), 60, seed) for seed in (3, 3, 4))
    assert torch.equal(first.best, again.best)
    assert torch.equal(first.best_random, again.best_random)
    assert not torch.equal(first.best_random, other.best_random)


def test_directions_without_a_value_are_left_aside():
    objective, most = quadratic(4, 1)
    found = searched(lambda x: objective(x).where(x[:, 0] > 0, math.nan), rows_of(4))
    assert found.best[0] > 0
    assert found.value == pytest.approx(most, rel=0.05)  # −x is as good as x
    nothing = searched(lambda x: torch.full((len(x),), math.nan), rows_of(4))
    assert nothing.value == nothing.random_value == -math.inf


def test_a_cancel_in_the_objective_leaves_the_steps_before_it():
    calls = []

    def objective(x):
        calls.append(len(x))
        if len(calls) == 3:
            raise Cancelled
        return x[:, 0]

    steps = search(objective, rows_of(3), SearchSettings(200))
    next(steps)
    last = next(steps)
    with pytest.raises(Cancelled):
        next(steps)
    assert last.evaluations == sum(calls[:2]) // 2


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(InputError, match="Expected a budget of at least one"):
        SearchSettings(0)
    for candidates in (torch.ones(3), torch.zeros(0, 3), torch.ones(2, 3)):
        with pytest.raises(InputError, match="Expected candidates"):
            list(search(lambda x: x[:, 0], candidates, SearchSettings()))
