"""The difference of two means, and the random directions that every method is judged against."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.errors import InputError


def mean_difference(positive: Tensor, negative: Tensor) -> Tensor:
    """The mean of the rows (n, d) minus the mean of the rows (m, d): (1, d) float32 on the CPU, in the norm it has.

    Means are taken in float64. n and m may differ (contrastive activation addition: Rimsky et al., 2024). Raises
    InputError for a side without rows, other widths, numbers that are not finite, and means that are the same.
    """
    for which, rows in (("first", positive), ("second", negative)):
        if rows.ndim != 2 or not len(rows):
            raise InputError(f"Expected rows (n, d) on the {which} side, got {tuple(rows.shape)}; give at least one.")
        if not bool(rows.isfinite().all()):
            raise InputError(f"Expected finite numbers on the {which} side, got NaN or infinity; use another dtype.")
    if positive.shape[1] != negative.shape[1]:
        raise InputError(
            f"Expected rows of one width on both sides, got {positive.shape[1]} and {negative.shape[1]}; "
            "take both from one model."
        )
    difference = (positive.detach().double().mean(dim=0) - negative.detach().double().mean(dim=0))[None].float().cpu()
    if not bool(difference.any()):
        raise InputError("Expected two sides that differ, got the same mean on both; choose other prompts.")
    return difference


def random_directions(k: int, d: int, seed: int) -> Tensor:
    """k directions drawn evenly over the unit sphere: (k, d) float32 unit rows on the CPU, the same for the same seed.

    The first rows do not depend on k, so that a larger control contains the smaller one. Raises InputError for k or d
    below 1.
    """
    if k < 1 or d < 1:
        raise InputError(f"Expected at least one random direction of at least one entry, got k = {k} and d = {d}.")
    generator = torch.Generator().manual_seed(seed)
    rows = torch.stack([torch.randn(d, generator=generator, dtype=torch.float64) for _ in range(k)])
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit.to(torch.float32)
