from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.core.geometry import orthonormalise, principal_angles
from playground.core.krylov import RANDOM_BESIDE_START, KrylovStep, Spectrum, iterate, solve
from playground.core.operators import DenseOperator, LinearOperator
from playground.core.rayleigh_ritz import RayleighRitz
from playground.core.settings import SOLVERS, KrylovSettings
from playground.errors import Cancelled, InputError

EXACT = 1e-9  # a tolerance that leaves errors of rounding only, in float64


def matrix(values, m, seed=0, dtype=torch.float64):
    """A matrix (m, n) with the singular values given, between random bases."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.as_tensor(values, dtype=torch.float64)
    n = len(values)
    left = torch.linalg.qr(torch.randn(m, n, generator=generator, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    return ((left * values) @ right.T).to(dtype)


def decaying(n, power=0.4):
    return 100 * torch.arange(1, n + 1, dtype=torch.float64) ** -power


def energy_share(a, vectors):
    best = torch.linalg.svdvals(a.double())[: len(vectors)].square().sum()
    return float((a.double() @ vectors.double().T).square().sum() / best)


class Counting(LinearOperator):
    """Counts columns, and stops like a cancelled model does after so many calls."""

    def __init__(self, a, stop_after=math.inf):
        self.inner, self.shape, self.dtype, self.device = DenseOperator(a), tuple(a.shape), a.dtype, a.device
        self.columns, self.calls, self.stop_after = 0, 0, stop_after

    def _count(self, rows):
        self.calls += 1
        if self.calls > self.stop_after:
            raise Cancelled
        self.columns += len(rows)

    def matmat(self, rows):
        self._count(rows)
        return self.inner.matmat(rows)

    def rmatmat(self, rows):
        self._count(rows)
        return self.inner.rmatmat(rows)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("values", [decaying(120), decaying(120, 0.25), 50 * 0.9 ** torch.arange(120)])
def test_default_settings_give_singular_values_within_one_percent_and_nearly_all_energy(solver, dtype, values):
    a = matrix(values, 150, dtype=dtype)
    spectrum = solve(DenseOperator(a), KrylovSettings(vectors=8, solver=solver))
    assert spectrum.converged
    torch.testing.assert_close(spectrum.singular_values, values[:8].float(), rtol=0.01, atol=0)
    assert energy_share(a, spectrum.vectors) >= 0.995
    assert spectrum.vectors.dtype == spectrum.singular_values.dtype == spectrum.residuals.dtype == torch.float32
    torch.testing.assert_close(spectrum.vectors @ spectrum.vectors.T, torch.eye(8), atol=2e-6, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_singular_triplets_agree_with_scipy_when_solved_to_rounding(solver):
    a = matrix(50 * 0.8 ** torch.arange(40), 60)
    spectrum = solve(DenseOperator(a), KrylovSettings(vectors=5, tolerance=EXACT, steps=200, solver=solver))
    _, values, vectors = scipy.sparse.linalg.svds(a.numpy(), k=5)
    np.testing.assert_allclose(spectrum.singular_values, values[::-1], rtol=1e-6)
    cosine = np.abs((spectrum.vectors.numpy() * vectors[::-1]).sum(axis=1))
    np.testing.assert_allclose(cosine, 1, atol=1e-6)


@pytest.mark.parametrize("tolerance", [0.1, 0.02, 0.01])
def test_the_vectors_of_a_converged_run_keep_to_the_tolerance(tolerance):
    a = matrix(decaying(80), 90)
    spectrum = solve(DenseOperator(a), KrylovSettings(vectors=6, tolerance=tolerance))
    v, values = spectrum.vectors.double(), spectrum.singular_values.double()[:, None]
    actual = ((v @ a.T / values) @ a - values * v).norm(dim=1) / values[:, 0]
    assert spectrum.converged
    assert 0 < actual.max() <= tolerance


def test_the_residuals_of_a_first_step_are_those_of_rayleigh_ritz_in_its_block():
    a = matrix(decaying(30), 40)
    operator = Counting(a)
    blocks = []
    operator.matmat = lambda rows: blocks.append(rows) or rows @ a.T
    spectrum = solve(operator, KrylovSettings(vectors=5, block=5, steps=1))
    _, values, weights = torch.linalg.svd(a @ blocks[0].T, full_matrices=False)
    v = weights @ blocks[0]
    expected = ((v @ a.T / values[:, None]) @ a - values[:, None] * v).norm(dim=1) / values
    torch.testing.assert_close(spectrum.residuals, expected.float())


def test_the_half_step_already_paid_for_comes_closer_to_the_true_values():
    a = matrix(decaying(80), 90)
    step, spectrum = iterate(DenseOperator(a), KrylovSettings(vectors=6, block=6, steps=1))
    exact = torch.linalg.svdvals(a)[:6].float()
    assert (step.singular_values < spectrum.singular_values).all()
    assert (spectrum.singular_values < exact).all()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    m=st.integers(1, 14), n=st.integers(1, 14), rank=st.integers(0, 14), share=st.floats(0, 1),
    block=st.none() | st.integers(1, 5), solver=st.sampled_from(SOLVERS), seed=st.integers(0, 999),
)  # fmt: skip
def test_any_small_matrix_of_any_rank_is_solved(m, n, rank, share, block, solver, seed):
    # Not the solver's own seed: its random rows would be those that the matrix is made of.
    generator = torch.Generator().manual_seed(seed + 2**20)
    rank = min(rank, m, n)
    left = torch.randn(m, rank, generator=generator, dtype=torch.float64)
    a = left @ torch.randn(rank, n, generator=generator, dtype=torch.float64)
    k = 1 + round(share * (min(m, n) - 1))
    block = max(block, k) if block is not None and solver == "subspace" else block
    spectrum = solve(DenseOperator(a), KrylovSettings(k, 3000, 1e-5, block, seed, solver))
    values = torch.linalg.svdvals(a)[:k]
    assert spectrum.vectors.shape == (k, n)
    assert not spectrum.vectors.isnan().any()
    scale = float(values[0]) if rank else 1.0
    torch.testing.assert_close(spectrum.singular_values.double(), values, rtol=0, atol=1e-4 * scale)
    torch.testing.assert_close(spectrum.vectors @ spectrum.vectors.T, torch.eye(k), atol=5e-6, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_float32_map_of_low_rank_gives_zeros_beyond_its_rank(solver):
    values = torch.tensor([9.0, 5, 2] + [0] * 47)
    spectrum = solve(DenseOperator(matrix(values, 70, dtype=torch.float32)), KrylovSettings(vectors=8, solver=solver))
    assert spectrum.converged
    torch.testing.assert_close(spectrum.singular_values, values[:8].float(), rtol=1e-4, atol=1e-4)


def test_krylov_needs_less_than_half_the_columns_of_subspace_iteration():
    a = matrix(decaying(256), 300)
    krylov, subspace = (solve(DenseOperator(a), KrylovSettings(solver=solver)) for solver in SOLVERS)
    assert krylov.converged
    assert subspace.converged
    assert 2 * krylov.products < subspace.products


def test_products_count_the_columns_the_operator_saw():
    operator = Counting(matrix(decaying(60), 60))
    spectrum = solve(operator, KrylovSettings(vectors=5))
    assert spectrum.products == operator.columns
    assert operator.calls == 2 * spectrum.steps


@pytest.mark.parametrize("solver", SOLVERS)
def test_equal_seeds_give_equal_bits_and_other_seeds_the_same_subspace_and_signs(solver):
    operator = DenseOperator(matrix(50 * 0.8 ** torch.arange(60), 60))
    runs = [solve(operator, KrylovSettings(6, seed=seed, solver=solver, tolerance=1e-5)) for seed in (7, 7, 8)]
    assert torch.equal(runs[0].vectors, runs[1].vectors)
    assert not torch.equal(runs[0].vectors, runs[2].vectors)
    torch.testing.assert_close(runs[0].vectors, runs[2].vectors, atol=1e-3, rtol=0)


def test_the_largest_entry_of_a_vector_is_positive():
    spectrum = solve(DenseOperator(-matrix(decaying(50), 50)), KrylovSettings(vectors=8))
    largest = spectrum.vectors.abs().argmax(dim=1)
    assert (spectrum.vectors[torch.arange(8), largest] > 0).all()


def test_close_neighbours_are_reported_as_subspaces_and_their_span_is_right():
    values = torch.cat([torch.tensor([100.0, 60, 59, 58.5, 40, 30, 29, 20]), torch.full((32,), 1.0)])
    a = matrix(values, 50)
    spectrum = solve(DenseOperator(a), KrylovSettings(vectors=8))
    assert spectrum.subspaces == ((1, 4), (5, 7))
    exact = torch.linalg.svd(a).Vh[1:4]
    assert principal_angles(exact, spectrum.vectors[1:4]).max() < 0.01


def test_well_separated_values_have_no_subspaces():
    a = matrix(2.0 ** -torch.arange(20), 20)
    assert solve(DenseOperator(a), KrylovSettings(vectors=5)).subspaces == ()


@pytest.mark.parametrize("solver", SOLVERS)
def test_events_count_up_and_end_with_the_spectrum(solver):
    *steps, spectrum = iterate(DenseOperator(matrix(decaying(90), 90)), KrylovSettings(12, solver=solver))
    assert all(isinstance(step, KrylovStep) for step in steps)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert max(shares[:-1], default=0) < 1
    assert all(step.steps > step.step for step in steps[:-1])
    assert all(step.singular_values.shape == step.residuals.shape == (12,) for step in steps)
    assert isinstance(spectrum, Spectrum)
    assert spectrum.steps == len(steps)
    torch.testing.assert_close(spectrum.singular_values, steps[-1].singular_values, rtol=0.01, atol=0)


def test_ritz_values_rise_from_step_to_step():
    *steps, _ = iterate(DenseOperator(matrix(decaying(90), 90)), KrylovSettings(10, tolerance=1e-6))
    table = torch.stack([step.singular_values for step in steps])
    assert (table.diff(dim=0) > -1e-4).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_not_converging_is_a_result(solver):
    spectrum = solve(DenseOperator(matrix(decaying(90), 90)), KrylovSettings(12, steps=2, solver=solver))
    assert not spectrum.converged
    assert spectrum.steps == 2
    assert spectrum.vectors.shape == (12, 90)
    assert spectrum.residuals.max() > 0.01


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("calls", range(1, 8))
def test_a_product_that_stops_halfway_leaves_what_there_is(solver, calls):
    operator = Counting(matrix(decaying(90), 90), stop_after=calls)
    *_, spectrum = iterate(operator, KrylovSettings(12, solver=solver))
    assert not spectrum.converged
    assert spectrum.steps == calls // 2
    assert spectrum.products == operator.columns
    k = len(spectrum.vectors)
    assert 0 < k <= 12
    assert spectrum.vectors.shape == (k, 90)
    assert spectrum.singular_values.shape == spectrum.residuals.shape == (k,)
    torch.testing.assert_close(spectrum.vectors @ spectrum.vectors.T, torch.eye(k), atol=2e-6, rtol=0)


def test_a_cancel_takes_effect_before_the_next_product():
    operator = Counting(matrix(decaying(90), 90))
    events = iterate(operator, KrylovSettings(12), cancelled=lambda: operator.calls >= 3)
    *_, spectrum = events
    assert operator.calls == 3
    assert spectrum.steps == 1
    assert not spectrum.converged


def test_a_cancel_before_anything_is_known_gives_no_vectors():
    *_, spectrum = iterate(DenseOperator(matrix(decaying(20), 20)), KrylovSettings(3), cancelled=lambda: True)
    assert spectrum.vectors.shape == (0, 20)
    assert spectrum.singular_values.shape == (0,)
    assert spectrum.subspaces == ()


def test_products_as_coarse_as_bfloat16_stop_when_nothing_improves_any_more():
    class Coarse(Counting):
        def matmat(self, rows):
            return super().matmat(rows.bfloat16().float()).bfloat16().float()

        def rmatmat(self, rows):
            return super().rmatmat(rows.bfloat16().float()).bfloat16().float()

    a = matrix(decaying(256), 300, dtype=torch.float32)
    spectrum = solve(Coarse(a), KrylovSettings(8, steps=60, tolerance=1e-5))
    assert not spectrum.converged
    assert spectrum.steps < 25
    assert energy_share(a, spectrum.vectors) > 0.995


def test_several_prompts_count_as_their_root_mean_square():
    parts = [matrix(decaying(30), 40, seed=seed) for seed in range(3)]
    spectrum = solve(DenseOperator(torch.cat(parts) / len(parts) ** 0.5), KrylovSettings(4, tolerance=1e-6))
    gains = torch.stack([spectrum.vectors.double() @ part.T for part in parts]).square().sum(dim=2).mean(dim=0).sqrt()
    torch.testing.assert_close(spectrum.singular_values.double(), gains, rtol=1e-4, atol=0)


def test_a_basis_as_wide_as_the_space_ends_the_run():
    a = matrix(torch.ones(9), 9)  # every direction is equally good: nothing to converge to, all of it exact
    spectrum = solve(DenseOperator(a), KrylovSettings(9))
    assert spectrum.converged
    assert spectrum.subspaces == ((0, 9),)
    torch.testing.assert_close(orthonormalise(spectrum.vectors), spectrum.vectors, atol=1e-5, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_starting_from_the_answer_gives_it_again(solver):
    operator = DenseOperator(matrix(decaying(90), 100))
    asked = KrylovSettings(12, solver=solver)
    *_, first = iterate(operator, asked)
    *_, again = iterate(operator, asked, start=7 * first.vectors)
    assert again.converged
    torch.testing.assert_close(again.singular_values, first.singular_values, rtol=0.01, atol=0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_of_exact_but_lesser_vectors_is_left_for_the_leading_ones(solver):
    a = matrix(decaying(90), 100)
    lesser = torch.linalg.svd(a).Vh[12:24]
    *_, spectrum = iterate(DenseOperator(a), KrylovSettings(8, solver=solver), start=lesser)
    assert spectrum.converged
    torch.testing.assert_close(spectrum.singular_values, torch.linalg.svdvals(a)[:8].float(), rtol=0.01, atol=0)


def test_starting_near_the_answer_saves_steps_also_with_part_of_the_vectors():
    a = matrix(decaying(90), 100)
    noise = torch.randn(100, 90, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    near = solve(DenseOperator(a + 0.05 * noise), KrylovSettings(12)).vectors
    random, whole, part = (list(iterate(DenseOperator(a), KrylovSettings(12), start=s)) for s in (None, near, near[:6]))
    assert len(whole) < len(random)
    assert len(part) <= len(random)
    for events in (whole, part):
        assert energy_share(a, events[-1].vectors) >= 0.995


def test_one_vector_to_start_from_is_in_the_basis_and_the_rest_is_random():
    a = torch.diag(torch.tensor([100.0] + [1.0] * 49))
    needle = torch.zeros(1, 50)
    needle[0, 0] = 1
    step, _ = iterate(DenseOperator(a), KrylovSettings(3, steps=1), start=needle)
    assert step.singular_values[0] == pytest.approx(100, rel=1e-5)


def test_dependent_rows_to_start_from_are_no_harm_and_more_than_a_block_all_count():
    a = matrix(decaying(40), 50)
    exact = torch.linalg.svd(a).Vh
    doubled = torch.cat([exact[:4], exact[:4], torch.zeros(1, 40)])
    *_, spectrum = iterate(DenseOperator(a), KrylovSettings(4), start=doubled)
    assert spectrum.converged
    torch.testing.assert_close(spectrum.singular_values, torch.linalg.svdvals(a)[:4].float(), rtol=0.01, atol=0)
    operator = Counting(a)
    next(iterate(operator, KrylovSettings(4, block=4), start=exact[:11]))
    assert operator.columns == 2 * (11 + RANDOM_BESIDE_START)


@pytest.mark.parametrize(
    "wrong", [torch.ones(2, 21), torch.ones(20), torch.full((1, 20), math.nan), torch.zeros(3, 20), torch.zeros(0, 20)]
)
def test_rows_to_start_from_of_another_width_or_not_finite_are_refused(wrong):
    with pytest.raises(InputError, match="Expected .* to start from"):
        next(iterate(DenseOperator(torch.eye(20)), KrylovSettings(3), start=wrong))


def test_random_rows_that_are_dependent_by_chance_are_drawn_again(monkeypatch):
    # A map of rank 2: after its two vectors the others are random, and here the first draws are in its own row space.
    rows = orthonormalise(torch.randn(2, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    original, drawn = RayleighRitz._draw, []

    def draw(self, k):
        drawn.append(k)
        return rows[:1].expand(k, -1) if len(drawn) <= 2 else original(self, k)

    monkeypatch.setattr(RayleighRitz, "_draw", draw)
    spectrum = solve(DenseOperator(torch.diag(torch.tensor([3.0, 2.0]).double()) @ rows), KrylovSettings(2, block=2))
    assert len(drawn) >= 3
    torch.testing.assert_close(spectrum.singular_values, torch.tensor([3.0, 2.0]), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"vectors": 0}, {"steps": 0}, {"tolerance": 0.0}, {"tolerance": 1.0}, {"tolerance": math.nan},
        {"block": 0}, {"solver": "lanczos"}, {"solver": "subspace", "vectors": 5, "block": 4},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_when_built(wrong):
    with pytest.raises(InputError, match="Expected"):
        KrylovSettings(**wrong)


def test_more_vectors_than_the_map_has_are_refused():
    with pytest.raises(InputError, match="at most 4 vectors from a Jacobian of 4 outputs by 9 inputs, got 5"):
        next(iterate(DenseOperator(torch.ones(4, 9)), KrylovSettings(vectors=5)))
