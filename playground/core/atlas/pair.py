"""Approximate singular triplets of one pair of layers, from bases of both sides; and what the bases lack of them.

Rows B of the source have images J B, rows C of the target were pulled back to Jᵀ C. Together they give

    Ĵ = J P_B + P_C J (1 − P_B) = J − (1 − P_C) J (1 − P_B),

P_B and P_C the projections on their spans. The error of a singular value is of the order of the product of two angles:
of v to the span of B and of u to the span of C. Both are seen in Ĵ's own vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_DEPENDENT = 1e-8
"""Share of the largest eigenvalue of a Gram matrix below which a direction is one that the others span."""


@dataclass(frozen=True)
class Approximation:
    """The leading triplets of Ĵ: σ (k,) descending, v (k, n), and what B lacks of v and C lacks of u, as rows.

    The lengths of `right_rest` (k, n) and `left_rest` (k, m) are sines of angles. All float64. `next_value` is σ of
    the vector after the last one wanted, 0 where nothing is known of one.
    """

    singular_values: Tensor
    vectors: Tensor
    right_rest: Tensor
    left_rest: Tensor
    next_value: float

    def gap_weights(self) -> Tensor:
        """(k,) How much an angle to the bases matters: where the values beyond are as large, 1; less in front of it.

        What a basis lacks of a vector is multiplied by gains that are at most about as large as the next value.
        """
        beyond = self.next_value or float(self.singular_values[-1])
        return (beyond / self.singular_values.clamp(min=1e-300)).clamp(max=1.0)


def approximate(right: Tensor, images: Tensor, left: Tensor, pulled: Tensor, count: int) -> Approximation:
    """The `count` leading triplets of Ĵ from B (b, n), J B (b, m), C (c, m) and Jᵀ C (c, n); fewer where rank lacks."""
    right, images = _orthonormal(right.double(), images.double())
    left, pulled = _orthonormal(left.double(), pulled.double())
    beyond = pulled - (pulled @ right.T) @ right
    added, weights = _orthonormal(beyond, torch.eye(len(beyond), dtype=torch.float64))
    # Rows of Ĵ on the orthonormal rows of B and of what the pulled rows add to them.
    there = torch.cat([images, (weights @ (beyond @ beyond.T)) @ left])
    basis = torch.cat([right, added])
    squares, axes = torch.linalg.eigh(there @ there.T)
    squares, axes = squares.flip(0), axes.flip(1).T
    known = int((squares > _DEPENDENT**2 * squares[0].clamp(min=1e-300)).sum())
    count, beyond_last = min(count, known), squares[count].clamp(min=0).sqrt() if count < known else 0.0
    values = squares[:count].sqrt()
    coefficients = axes[:count]
    lefts = (coefficients / values[:, None]) @ there
    return Approximation(
        singular_values=values,
        vectors=coefficients @ basis,
        right_rest=coefficients[:, len(right) :] @ added,
        left_rest=lefts - (lefts @ left.T) @ left,
        next_value=float(beyond_last),
    )


def _orthonormal(rows: Tensor, beside: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal rows with the span of `rows`, and the same combinations of the rows of `beside`."""
    if len(rows) == 0:
        return rows, beside
    squares, axes = torch.linalg.eigh(rows @ rows.T)
    kept = squares > _DEPENDENT * squares[-1].clamp(min=1e-300)
    weights = (axes[:, kept] / squares[kept].sqrt()).T
    return weights @ rows, weights @ beside
