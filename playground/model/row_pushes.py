"""Merges per-row edits into batched ones: one push a layer, and clamps in the order that each row has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.clamp import Clamp
from playground.core.edit import Edit, clamps_of, pushes_of
from playground.core.push import Push
from playground.errors import InputError


def batch_edits(edits: Sequence[Sequence[Edit]]) -> tuple[Edit, ...]:
    """Clamps (B, m, d) and then pushes (B, d), of which a row that has none is left as it is.

    `edits` has one list a row. Errors: InputError as `batch_pushes`.
    """
    _check_widths(edits)
    clamps = [clamps_of(row) for row in edits]
    batched: list[Edit] = []
    for layer in sorted({clamp.layer for row in clamps for clamp in row}):
        here = [[clamp for clamp in row if clamp.layer == layer] for row in clamps]
        for place in range(max(map(len, here))):
            batched.append(_batched(layer, [row[place] if place < len(row) else None for row in here]))
    return (*batched, *batch_pushes([pushes_of(row) for row in edits]))


def _batched(layer: int, clamps: Sequence[Clamp | None]) -> Clamp:
    """One clamp of a batch from one for each row, some of which have none."""
    there = [clamp for clamp in clamps if clamp is not None]
    rank, width = max(clamp.rank for clamp in there), there[0].width
    basis = torch.zeros(len(clamps), rank, width, dtype=torch.float64)
    low, high = basis.new_full((len(clamps), rank), -torch.inf), basis.new_full((len(clamps), rank), torch.inf)
    strength = basis.new_zeros(len(clamps))
    for row, clamp in enumerate(clamps):
        if clamp is None:
            continue
        if clamp.basis.ndim != 2:
            raise InputError(f"Expected one basis for a row, got shape {tuple(clamp.basis.shape)}.")
        basis[row, : clamp.rank], strength[row] = clamp.basis, clamp.strength[0]
        low[row, : clamp.rank], high[row, : clamp.rank] = clamp.low, clamp.high
    return Clamp(layer, basis, low, high, strength)


def _check_widths(edits: Sequence[Sequence[Edit]]) -> None:
    widths = {edit.width for row in edits for edit in row}
    if len(widths) > 1:
        raise InputError(f"Expected directions of one width, got {', '.join(map(str, sorted(widths)))}.")


def batch_pushes(pushes: Sequence[Sequence[Push]]) -> tuple[Push, ...]:
    """One push (B, d) in float32 or wider for every layer that any row is steered at, in the order of layers.

    `pushes` has one list a row, each push with a vector (d,); several at one layer add up, and rows that are not
    steered at a layer get zeros there. Errors: InputError for a vector of another shape, and for widths that differ.
    """
    layers: dict[int, dict[int, Tensor]] = {}
    _check_widths(pushes)
    for row, steered_at in enumerate(pushes):
        for push in steered_at:
            if push.vector.ndim != 1:
                raise InputError(f"Expected one direction for a row, got shape {tuple(push.vector.shape)}.")
            vector = push.vector.detach().to("cpu", torch.promote_types(push.vector.dtype, torch.float32))
            rows = layers.setdefault(push.layer, {})
            rows[row] = rows[row] + vector if row in rows else vector
    batched = []
    for layer, rows in sorted(layers.items()):
        nothing = torch.zeros_like(next(iter(rows.values())))
        batched.append(Push(layer, torch.stack([rows.get(row, nothing) for row in range(len(pushes))])))
    return tuple(batched)
