"""Merges per-row pushes into one batched push a layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import InputError


def batch_pushes(pushes: Sequence[Sequence[Push]]) -> tuple[Push, ...]:
    """One push (B, d) in float32 or wider for every layer that any row is steered at, in the order of layers.

    `pushes` has one list a row, each push with a vector (d,); several at one layer add up, and rows that are not
    steered at a layer get zeros there. Errors: InputError for a vector of another shape, and for widths that differ.
    """
    layers: dict[int, dict[int, Tensor]] = {}
    widths = {push.vector.shape[-1] for row in pushes for push in row}
    if len(widths) > 1:
        raise InputError(f"Expected directions of one width, got {', '.join(map(str, sorted(widths)))}.")
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
