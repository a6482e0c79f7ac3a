"""Directions on a sphere with ordered orthogonality: each one orthogonal to those before it, whatever comes after.

Order is what keeps a batch trained together the same as vectors trained one by one: the first is free, the second knows
the first, and none knows a later one. Several candidates may stand for each place; then one of them leads, and the
candidates of later places keep orthogonal to the leaders.

All in float64 on the CPU: the sets are small, and rounding in float32 would show in hundreds of orthogonal vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor


def leading(candidates: Tensor, leaders: Tensor) -> Tensor:
    """The candidates (m, k, d) that lead, one a place: (k, d). `leaders` (k,) are their numbers, 0 to m − 1."""
    return candidates[leaders, torch.arange(candidates.shape[1])]


def ordered(candidates: Tensor, leaders: Tensor) -> tuple[Tensor, Tensor]:
    """Unit directions (m, k, d) in float64, each less its parts along the leaders of earlier places; and those leaders.

    Leaders (k, d) come out orthonormal. A leader that depends on earlier ones gets some direction orthogonal to them.
    """
    rows = candidates.detach().to("cpu", torch.float64)
    columns, corner = torch.linalg.qr(leading(rows, leaders).T)
    basis = (columns * torch.where(corner.diagonal() < 0, -1.0, 1.0)).T
    rows = off_earlier(off_earlier(rows, basis), basis)  # twice: what is left may be small
    rows[leaders, torch.arange(len(basis))] = basis
    return rows / rows.norm(dim=2, keepdim=True), basis


def off_earlier(rows: Tensor, basis: Tensor) -> Tensor:
    """`rows` (m, k, d) less, at place i, their parts along the rows j < i of the orthonormal `basis` (k, d)."""
    return rows - (rows @ basis.T).tril(-1) @ basis


def tangent(gradients: Tensor, directions: Tensor, basis: Tensor) -> Tensor:
    """`gradients` (m, k, d) projected off earlier leaders and onto the tangent space at the unit `directions`."""
    rows = off_earlier(gradients.to(directions), basis)
    return rows - (rows * directions).sum(dim=2, keepdim=True) * directions
