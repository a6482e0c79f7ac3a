from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.geometry import cosines, orthonormalise, principal_angles, project_out


def rows(k, d, seed=0, dtype=torch.float64):
    return torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def gram_error(basis):
    return torch.dist(basis @ basis.T, torch.eye(len(basis), dtype=basis.dtype)).item()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 6), st.integers(1, 12), st.integers(0, 5), st.integers(0, 99))
def test_rows_come_out_orthonormal_and_orthogonal_to_what_is_fixed(k, d, a, seed):
    fixed = orthonormalise(rows(a, d, seed))
    basis = orthonormalise(rows(k, d, seed + 1), against=fixed)
    assert len(basis) == min(k, d - len(fixed))
    assert gram_error(torch.cat([fixed, basis])) < 1e-13


def test_the_first_results_span_the_first_inputs_and_keep_their_side():
    vectors = rows(5, 9)
    basis = orthonormalise(vectors)
    q, r = np.linalg.qr(vectors.numpy().T)
    torch.testing.assert_close(basis, torch.from_numpy((q * np.sign(np.diag(r))).T))


def test_rows_that_nearly_depend_on_what_is_fixed_come_out_orthogonal_to_it():
    fixed = orthonormalise(rows(4, 32))
    basis = orthonormalise(fixed[:3] + 1e-9 * rows(3, 32, 1), against=fixed)
    assert gram_error(torch.cat([fixed, basis])) < 1e-13


def test_dependent_rows_are_left_out_and_the_others_kept():
    vectors = rows(3, 6)
    doubled = torch.stack([vectors[0], 2 * vectors[0], vectors[1], vectors[0] - vectors[1], vectors[2], vectors[2] * 0])
    torch.testing.assert_close(orthonormalise(doubled), orthonormalise(vectors))


def test_nearly_parallel_float32_rows_come_out_orthogonal_to_float32_rounding():
    base = rows(1, 64, dtype=torch.float32)
    vectors = base + 1e-3 * rows(20, 64, 1, dtype=torch.float32)
    basis = orthonormalise(vectors)
    assert basis.dtype == torch.float32
    assert basis.shape == (20, 64)
    assert gram_error(basis) < 1e-6


def test_projecting_out_leaves_what_is_orthogonal_and_carries_gradients():
    basis = orthonormalise(rows(2, 7))
    vector = rows(1, 7, 3).requires_grad_()
    rest = project_out(vector, basis)
    assert (rest @ basis.T).abs().max() < 1e-14
    torch.testing.assert_close(project_out(rest, basis), rest)
    (gradient,) = torch.autograd.grad(rest.square().sum(), vector)
    torch.testing.assert_close(gradient, 2 * rest)


def test_cosines_are_those_of_every_pair_and_zero_for_a_zero_row():
    a, b = rows(3, 5), rows(2, 5, 1)
    expected = (a @ b.T) / (a.norm(dim=1)[:, None] * b.norm(dim=1))
    torch.testing.assert_close(cosines(a, b), expected)
    assert cosines(torch.zeros(1, 5), b.float()).abs().max() == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(6, 12), st.integers(0, 99))
def test_principal_angles_agree_with_scipy(a, b, d, seed):
    first, second = rows(a, d, seed), rows(b, d, seed + 1)
    expected = np.sort(scipy.linalg.subspace_angles(first.numpy().T, second.numpy().T))
    # scipy tells an angle of zero from the square root of rounding only; the next test is about small angles.
    np.testing.assert_allclose(principal_angles(first, second).numpy(), expected, atol=1e-7)


def test_a_tiny_angle_is_resolved():
    first = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    second = torch.tensor([[math.cos(1e-9), math.sin(1e-9)]], dtype=torch.float64)
    assert principal_angles(first, second).item() == pytest.approx(1e-9, rel=1e-6)


@pytest.mark.parametrize("bad", [torch.ones(3), torch.ones(2, 3, dtype=torch.int64)])
def test_what_is_no_set_of_real_rows_is_refused(bad):
    for operation in (orthonormalise, lambda rows: cosines(rows, rows), lambda rows: principal_angles(rows, rows)):
        with pytest.raises(ValueError, match="shape"):
            operation(bad)
    with pytest.raises(ValueError, match="orthogonal"):
        orthonormalise(torch.ones(1, 3), against=torch.ones(1, 4))
