"""Bases, projections and angles between sets of directions.

A set of directions is a (k, d) tensor of rows. Gram–Schmidt and angles are computed in float64 on the CPU, whatever
comes in: the sets are small, and rounding in float32 would show in hundreds of orthogonal vectors. Results come back in
the dtype and on the device of the first argument.
"""

from __future__ import annotations

import torch
from torch import Tensor


def orthonormalise(
    vectors: Tensor, against: Tensor | None = None, rounded_to: torch.dtype | None = None
) -> Tensor:
    """Orthonormal rows (r, d) that span the rows of `vectors` (k, d), less what the rows of `against` (a, d) span.

    `against` must be orthonormal already. Rows are taken in order: the first i results span the first i inputs, and a
    result points to the side of the input it came from. A row that depends on those before it (to within the rounding
    of `rounded_to`, None: of its own dtype) is left out, so r < k means that the rows were dependent.

    By Householder's QR where no row depends on others. Else by classical Gram–Schmidt, each row twice: that is enough
    for orthogonality to working precision (Giraud, Langou and Rozložník, 2005), and takes a step a row.
    """
    _check_rows(vectors)
    rows = vectors.detach().to("cpu", torch.float64)
    width = rows.shape[1]
    fixed = rows.new_empty((0, width)) if against is None else against.detach().to("cpu", torch.float64)
    if fixed.ndim != 2 or fixed.shape[1] != width:
        raise ValueError(f"Expected directions of shape (a, {width}) to stay orthogonal to, got {tuple(fixed.shape)}.")
    negligible = 8 * torch.finfo(rounded_to or vectors.dtype).eps * width**0.5
    lengths = rows.norm(dim=1)
    for _ in range(2):  # against all of the fixed rows at once
        rows = project_out(rows, fixed)
    if 0 < len(rows) <= width - len(fixed):
        columns, weights = torch.linalg.qr(rows.T)
        remaining = weights.diagonal()
        if bool((remaining.abs() > negligible * lengths).all()):
            basis = project_out(columns.T * remaining.sign()[:, None], fixed)
            unit: Tensor = basis / basis.norm(dim=1, keepdim=True)
            return unit.to(vectors)
    basis, rank = rows.new_empty((rows.shape[0], width)), 0
    for row, length in zip(rows, lengths, strict=True):
        for _ in range(2):
            row = project_out(row, basis[:rank])
        remaining = row.norm()
        if rank < width - fixed.shape[0] and remaining > negligible * length:
            basis[rank] = project_out(row / remaining, fixed)
            basis[rank] /= basis[rank].norm()
            rank += 1
    return basis[:rank].to(vectors)


def project_out(vectors: Tensor, basis: Tensor) -> Tensor:
    """`vectors` (…, d) less their part in the span of the orthonormal rows of `basis` (r, d). Differentiable."""
    return vectors - (vectors @ basis.T) @ basis


def with_fixed_signs(vectors: Tensor) -> Tensor:
    """Rows (k, d), each turned so that its entry of largest magnitude is positive: equal runs give equal signs."""
    if len(vectors) == 0:
        return vectors
    largest = vectors.abs().argmax(dim=1, keepdim=True)
    return vectors * torch.where(vectors.gather(1, largest) < 0, -1.0, 1.0)


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of every row of `first` (a, d) with every row of `second` (b, d): (a, b). A zero row has cosine 0."""
    _check_rows(first)
    _check_rows(second)
    left, right = (_unit(rows.detach().to("cpu", torch.float64)) for rows in (first, second))
    return (left @ right.T).clamp(-1.0, 1.0).to(first)


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles in radians, ascending, between the spans of `first` (a, d) and `second` (b, d).

    There are as many as the smaller of the two ranks. Small angles come from the sines and large ones from the cosines
    (Björck and Golub, 1973), so that both are exact: arccos alone cannot tell 10⁻⁸ from 0.
    """
    _check_rows(first)
    _check_rows(second)
    left = orthonormalise(first.detach().to("cpu", torch.float64))
    right = orthonormalise(second.detach().to("cpu", torch.float64))
    if left.shape[0] < right.shape[0]:
        left, right = right, left
    overlap = right @ left.T
    cosine = torch.linalg.svdvals(overlap).clamp(max=1.0)
    sine = torch.linalg.svdvals(right - overlap @ left).flip(0).clamp(max=1.0)
    return torch.where(cosine**2 < 0.5, cosine.arccos(), sine.arcsin()).to(first)


def _unit(rows: Tensor) -> Tensor:
    lengths = rows.norm(dim=1, keepdim=True)
    return rows / torch.where(lengths > 0, lengths, 1.0)


def _check_rows(vectors: Tensor) -> None:
    if vectors.ndim != 2 or not vectors.is_floating_point():
        raise ValueError(f"Expected real directions of shape (k, d), got {vectors.dtype} {tuple(vectors.shape)}.")
