from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.operators import DenseOperator, LinearOperator


class ByProducts(LinearOperator):
    """A matrix seen through its products only, so that `dense` is the inherited one."""

    def __init__(self, matrix):
        self.matrix, self.shape, self.dtype, self.device = matrix, tuple(matrix.shape), matrix.dtype, matrix.device

    def matmat(self, rows):
        return rows @ self.matrix.T

    def rmatmat(self, rows):
        return rows @ self.matrix


def matrix(m, n, seed=0):
    return torch.randn(m, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (600, 4), (4, 600)])
def test_dense_recovers_the_matrix_from_products_on_either_side(shape):
    a = matrix(*shape)
    torch.testing.assert_close(ByProducts(a).dense(), a)
    torch.testing.assert_close(DenseOperator(a).dense(), a)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(0, 99))
def test_products_with_j_and_its_transpose_are_adjoint(m, n, k, seed):
    operator = DenseOperator(matrix(m, n, seed))
    v, u = matrix(k, n, seed + 1), matrix(k, m, seed + 2)
    torch.testing.assert_close(operator.matmat(v) @ u.T, v @ operator.rmatmat(u).T)


def test_rows_of_another_length_are_refused_with_what_was_expected():
    operator = DenseOperator(matrix(2, 3))
    with pytest.raises(ValueError, match=r"shape \(k, 3\).*got \(1, 2\)"):
        operator.matmat(matrix(1, 2))
    with pytest.raises(ValueError, match=r"shape \(k, 2\)"):
        operator.rmatmat(matrix(1, 3))
    with pytest.raises(ValueError, match="matrix"):
        DenseOperator(torch.ones(3))
