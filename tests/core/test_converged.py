"""`converged` means that every σᵢ is right: within 1 %, in bfloat16 within 3 %, whatever the others are.

Maps are diagonal: a random start has the same distribution in every basis, so other singular vectors would test nothing
more. A family of 200 seeds takes 3–5 s.
"""

from __future__ import annotations

import pytest
import torch

from playground.core.krylov import iterate, solve
from playground.core.operators import DenseOperator, LinearOperator
from playground.core.settings import SOLVERS, KrylovSettings

SEEDS = 200


class Diagonal(LinearOperator):
    """diag(values), its products rounded to `dtype`."""

    def __init__(self, values, dtype=torch.float32):
        self.values, self.dtype, self.device = values.float(), dtype, values.device
        self.shape = (len(values), len(values))

    def matmat(self, rows):
        return (rows.float() * self.values).to(self.dtype)

    rmatmat = matmat


class Rounded(LinearOperator):
    """A matrix whose products are rounded to bfloat16, before and after they are summed in float32 as devices do."""

    precision = torch.bfloat16

    def __init__(self, a, dtype=torch.float32):
        self.inner, self.shape, self.dtype, self.device = DenseOperator(a), tuple(a.shape), dtype, a.device

    def matmat(self, rows):
        return self.inner.matmat(rows.bfloat16().float()).bfloat16().to(self.dtype)

    def rmatmat(self, rows):
        return self.inner.rmatmat(rows.bfloat16().float()).bfloat16().to(self.dtype)


def decaying(n, power, outlier=1.0):
    values = torch.arange(1, n + 1, dtype=torch.float64) ** -power
    values[0] *= outlier
    return values


def gaussian(seed, n=64):
    generator = torch.Generator().manual_seed(10_000 + seed)
    return torch.randn(n, n, generator=generator, dtype=torch.float64)


def rotated(values, seed=0):
    bases = (torch.linalg.qr(gaussian(2 * seed + i, len(values))).Q for i in range(2))
    return (next(bases) * values) @ next(bases)


def worst(spectrum, values):
    """The largest error of a singular value, relative to the value."""
    exact = values[: len(spectrum.singular_values)]
    return float(((spectrum.singular_values.double() - exact).abs() / exact).max())


@pytest.mark.parametrize("outlier", [1, 3, 10, 30])
def test_no_singular_value_is_off_by_one_percent_behind_an_outlier(outlier):
    values = decaying(256, 0.35, outlier)
    spectra = [solve(Diagonal(values), KrylovSettings(6, seed=seed)) for seed in range(SEEDS)]
    assert all(spectrum.converged for spectrum in spectra)
    assert max(worst(spectrum, values) for spectrum in spectra) <= 0.01


def test_no_singular_value_of_a_gaussian_matrix_is_off_by_one_percent():
    for seed in range(SEEDS):
        a = gaussian(seed)
        spectrum = solve(DenseOperator(a.float()), KrylovSettings(12, seed=seed))
        assert spectrum.converged
        assert worst(spectrum, torch.linalg.svdvals(a)) <= 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("outlier", [1, 3, 10, 30])
def test_in_bfloat16_values_are_within_three_percent_or_it_says_that_they_are_not(outlier, dtype):
    values = decaying(256, 0.35, outlier)
    a = rotated(values)
    spectra = [solve(Rounded(a.float(), dtype), KrylovSettings(6, seed=seed)) for seed in range(20)]
    converged = [spectrum for spectrum in spectra if spectrum.converged]
    assert len(converged) >= 10  # else it would never say so, and this test nothing
    assert max(worst(spectrum, values) for spectrum in converged) <= 0.03


def test_bfloat16_does_not_claim_what_is_below_its_rounding():
    values = torch.cat([torch.tensor([1000.0]), torch.linspace(2, 1, 99)])
    spectra = [solve(Rounded(rotated(values, seed).float()), KrylovSettings(3, seed=seed)) for seed in range(10)]
    assert not any(spectrum.converged and worst(spectrum, values) > 0.03 for spectrum in spectra)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("outlier", [1, 30])
def test_both_solvers_hold_it_for_few_and_for_many_vectors(solver, outlier):
    for k in (1, 2, 24):
        values = decaying(192, 0.5, outlier)
        for seed in range(8):
            spectrum = solve(Diagonal(values), KrylovSettings(k, seed=seed, solver=solver))
            assert spectrum.converged
            assert worst(spectrum, values) <= 0.01


@pytest.mark.parametrize(
    "left_out", [(0,), (4,), (11,), (3, 7), (10, 11), tuple(range(12))], ids=lambda rows: f"without {rows}"
)
def test_a_start_of_exact_vectors_does_not_hide_those_it_lacks(left_out):
    values = decaying(192, 0.4)
    given = [row for row in range(24) if row not in left_out][:12]
    for seed in range(20):
        *_, spectrum = iterate(Diagonal(values), KrylovSettings(12, seed=seed), start=torch.eye(192)[given])
        assert spectrum.converged
        assert worst(spectrum, values) <= 0.01


def test_being_sure_takes_at_most_1_4_times_the_products_of_not_being_sure():
    # Columns taken when residuals counted against σ₁ and nothing was checked, on average over seeds.
    families = [
        (50.7, 6, [Diagonal(decaying(256, 0.35))]),
        (97.5, 12, [DenseOperator(gaussian(seed).float()) for seed in range(8)]),
    ]
    for before, k, operators in families:
        taken = [solve(operator, KrylovSettings(k, seed=seed)).products for operator in operators for seed in range(4)]
        assert sum(taken) / len(taken) <= 1.4 * before
