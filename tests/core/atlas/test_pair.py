"""What two bases tell of a matrix: exact where they hold its leading vectors, and off by the product of two angles."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.atlas.pair import approximate


def matrix(m: int, n: int, decay: float, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """J (m, n) with its u (r, m), σ (r,) and v (r, n)."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.linalg.qr(torch.randn(m, n, generator=generator, dtype=torch.float64))[0].T
    v = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0].T
    sigma = 3 * decay ** torch.arange(n, dtype=torch.float64)
    return u.T @ (sigma[:, None] * v), u, sigma, v


def turned(rows: torch.Tensor, angle: float, seed: int) -> torch.Tensor:
    """Orthonormal rows at about `angle` to the span of rows."""
    generator = torch.Generator().manual_seed(seed)
    other = torch.randn(rows.shape, generator=generator, dtype=torch.float64)
    other = other - (other @ rows.T) @ rows
    return torch.linalg.qr((rows + angle * other / other.norm(dim=1, keepdim=True)).T)[0].T


@settings(deadline=None)
@given(seed=st.integers(0, 1000), decay=st.floats(0.5, 0.95), mixed=st.booleans())
def test_bases_that_hold_the_leading_vectors_give_them_exactly(seed, decay, mixed):
    dense, u, sigma, v = matrix(24, 16, decay, seed)
    weights = torch.randn(6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    right = weights @ v[:6] if mixed else v[:6]  # rows need not be orthonormal, only span
    left = weights.T @ u[:6] if mixed else u[:6]
    found = approximate(right, right @ dense.T, left, left @ dense, 4)
    torch.testing.assert_close(found.singular_values, sigma[:4], rtol=1e-6, atol=0)
    assert float((found.vectors * v[:4]).sum(dim=1).abs().min()) > 1 - 1e-9
    assert float(found.right_rest.norm(dim=1).max()) < 1e-5
    assert float(found.left_rest.norm(dim=1).max()) < 1e-5
    assert found.next_value == pytest.approx(float(sigma[4]), rel=1e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_errors_of_values_are_of_the_order_of_the_angle_squared(seed):
    dense, u, sigma, v = matrix(40, 30, 0.8, seed)
    for angle in (0.2, 0.02):
        right, left = turned(v[:4], angle, seed + 1), turned(u[:4], angle, seed + 2)
        found = approximate(right, right @ dense.T, left, left @ dense, 4)
        assert float(((found.singular_values - sigma[:4]) / sigma[:4]).abs().max()) < angle**2
        assert float(found.right_rest.norm(dim=1).max()) < 2 * angle


def test_what_a_basis_lacks_is_orthogonal_to_it_and_completes_it():
    dense, u, _, v = matrix(40, 30, 0.8, 0)
    right, left = turned(v[:4], 0.2, 1), turned(u[:4], 0.2, 2)
    found = approximate(right, right @ dense.T, left, left @ dense, 4)
    assert float((found.right_rest @ right.T).abs().max()) < 1e-10
    assert float((found.left_rest @ left.T).abs().max()) < 1e-10
    wider = torch.cat([right, found.right_rest])
    again = approximate(wider, wider @ dense.T, left, left @ dense, 4)
    assert float(again.right_rest.norm(dim=1).max()) < float(found.right_rest.norm(dim=1).max())


def test_without_left_rows_it_is_rayleigh_ritz_of_the_right_ones():
    dense, _, _, v = matrix(40, 30, 0.8, 0)
    right = turned(v[:8], 0.5, 1)
    found = approximate(right, right @ dense.T, torch.empty(0, 40), torch.empty(0, 30), 4)
    torch.testing.assert_close(found.singular_values, torch.linalg.svdvals(right @ dense.T)[:4])
    torch.testing.assert_close(found.left_rest.norm(dim=1), torch.ones(4, dtype=torch.float64))


def test_fewer_triplets_come_of_a_matrix_of_lower_rank():
    dense = torch.zeros(10, 8, dtype=torch.float64)
    dense[0, 0], dense[1, 1] = 3, 2
    right = torch.eye(8, dtype=torch.float64)[:5]
    found = approximate(right, right @ dense.T, torch.empty(0, 10), torch.empty(0, 8), 4)
    torch.testing.assert_close(found.singular_values, torch.tensor([3.0, 2.0], dtype=torch.float64))
    assert found.next_value == 0
