"""All pairs at once, against dense decompositions of each."""

from __future__ import annotations

import pytest
import torch

from playground.core.atlas.solver import AtlasSettings, AtlasSolver
from playground.core.atlas.sweeps import DenseSweeps
from playground.core.krylov import solve
from playground.core.operators import DenseOperator
from playground.core.settings import KrylovSettings
from playground.errors import InputError

K = 4


def solved(matrices, **settings) -> AtlasSolver:
    solver = AtlasSolver(DenseSweeps(matrices), AtlasSettings(**{"vectors": K} | settings))
    for _ in solver.run():
        pass
    return solver


@pytest.mark.parametrize("seed", range(4))
def test_every_value_is_within_two_per_cent_and_every_pair_has_its_energy(chain, seed):
    matrices = chain(8, 48, seed)
    solver = solved(matrices, seed=seed)
    assert solver.unfinished == ()
    spectra = solver.spectra
    assert set(spectra) == set(matrices)
    for pair, matrix in matrices.items():
        exact = torch.linalg.svdvals(matrix.double())[:K]
        found = spectra[pair]
        assert found.converged
        assert float(((found.singular_values - exact) / exact).abs().max()) <= 0.02, pair
        assert float((found.vectors.double() @ matrix.double().T).square().sum() / exact.square().sum()) >= 0.97, pair
        torch.testing.assert_close(found.vectors @ found.vectors.T, torch.eye(K), rtol=0, atol=1e-5)


def test_all_pairs_cost_less_than_half_of_solving_each_as_accurately(chain):
    matrices = chain(12, 64)
    alone = sum(
        (t - s) * solve(DenseOperator(matrix), KrylovSettings(K, tolerance=0.1)).products
        for (s, t), matrix in matrices.items()
    )
    assert solved(matrices).rows_times_blocks < 0.5 * alone


def test_the_same_seed_gives_the_same_vectors(chain):
    matrices = chain(6, 32)
    first, second = solved(matrices, seed=3).spectra, solved(matrices, seed=3).spectra
    for pair in matrices:
        assert torch.equal(first[pair].vectors, second[pair].vectors)


def test_a_cancelled_run_keeps_what_it_has_and_says_that_it_is_not_done(chain):
    matrices = chain(8, 48)
    solver = AtlasSolver(DenseSweeps(matrices), AtlasSettings(K))
    seen = []
    for step in solver.run(lambda: len(seen) > 10):
        seen.append(step)
    spectra = solver.spectra
    assert spectra
    assert solver.unfinished
    assert not all(spectra[pair].converged for pair in solver.unfinished if pair in spectra)
    for pair, found in spectra.items():  # values of a Ritz approximation are never beyond the truth by much
        exact = torch.linalg.svdvals(matrices[pair])[: len(found.singular_values)]
        assert bool((found.singular_values <= 1.02 * exact).all())


def test_a_run_goes_on_from_its_state_as_if_it_had_never_stopped(chain):
    matrices = chain(8, 48)
    whole = solved(matrices)
    stopped, state = AtlasSolver(DenseSweeps(matrices), AtlasSettings(K)), {}
    for step in stopped.run():
        if step.whole:
            state = {name: tensor.clone() for name, tensor in stopped.state().items()}
        if step.sweep == 3 and not step.whole:
            break  # in the middle of a sweep
    resumed = AtlasSolver(DenseSweeps(matrices), AtlasSettings(K))
    resumed.load(state)
    for _ in resumed.run():
        pass
    for pair, found in resumed.spectra.items():
        torch.testing.assert_close(found.singular_values, whole.spectra[pair].singular_values)
    assert resumed.rows_times_blocks == whole.rows_times_blocks


def test_steps_tell_values_of_pairs_as_they_come_and_what_was_spent(chain):
    matrices = chain(6, 32)
    solver = AtlasSolver(DenseSweeps(matrices), AtlasSettings(K))
    told, spent = {}, 0
    for step in solver.run():
        told |= step.values
        assert step.rows_times_blocks >= spent
        spent = step.rows_times_blocks
    assert set(told) == set(matrices)
    for pair, found in solver.spectra.items():
        torch.testing.assert_close(told[pair], found.singular_values)


def test_some_sources_and_targets_alone_can_be_asked_for(chain):
    matrices = {(s, t): m for (s, t), m in chain(10, 48).items() if s in (1, 4) and t in (3, 6, 9)}
    spectra = solved(matrices).spectra
    assert set(spectra) == {(1, 3), (1, 6), (1, 9), (4, 6), (4, 9)}
    for pair, matrix in matrices.items():
        exact = torch.linalg.svdvals(matrix)[:K]
        assert float(((spectra[pair].singular_values - exact) / exact).abs().max()) <= 0.02


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"vectors": 0}, "1 or more vectors"),
        ({"sweeps": 0}, "1 or more vectors and sweeps"),
        ({"tolerance": 0.0}, "between 0 and 1"),
        ({"vectors": 33}, "at most 32 vectors"),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(chain, asked, says):
    with pytest.raises(InputError, match=says):
        solved(chain(3, 32), **asked)
