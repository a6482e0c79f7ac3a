"""Edits of the residual stream: what is added, and what is held. Held is what a block puts out; then it is added to."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from torch import Tensor

from playground.core.clamp import Clamp
from playground.core.contrast import random_directions
from playground.core.geometry import orthonormalise
from playground.core.push import Push

Edit = Push | Clamp
"""One change at one block. At one block clamps come first, in their order, and then all that is added."""


def pushes_of(edits: Iterable[Edit]) -> tuple[Push, ...]:
    """What is added, in the order given."""
    return tuple(edit for edit in edits if isinstance(edit, Push))


def clamps_of(edits: Iterable[Edit]) -> tuple[Clamp, ...]:
    """What is held, in the order given."""
    return tuple(edit for edit in edits if isinstance(edit, Clamp))


def scaled(edits: Sequence[Edit], factor: float) -> tuple[Edit, ...]:
    """Every edit times a factor: what is added, and how far components go to their bounds. None for the factor 0."""
    if factor == 0:
        return ()
    return tuple(
        Push(edit.layer, factor * edit.vector) if isinstance(edit, Push)
        else replace(edit, strength=factor * edit.strength)
        for edit in edits
    )


def random_edits(edits: Sequence[Edit], count: int, seed: int) -> list[tuple[Edit, ...]]:
    """For each of `count` controls a random direction in the place of every direction of `edits`: a push with the norm
    of the push there, a clamp of as many components with the same bounds.

    The same for the same seed and layers; controls of nothing are nothing.
    """
    if not edits or count < 1:
        return [()] * count
    needed = [1 if isinstance(edit, Push) else edit.rank for edit in edits]
    directions = random_directions(count * sum(needed), edits[0].width, seed).view(count, sum(needed), -1)
    return [
        tuple(_along(edit, rows) for edit, rows in zip(edits, control.split(needed), strict=True))
        for control in directions
    ]


def key(edits: Sequence[Edit]) -> Hashable:
    """What edits (for one row each) do, as a key: equal for edits that do the same; those of nothing are left out."""
    return tuple(
        (edit.layer, *map(_bytes, _parts(edit)))
        for edit in edits
        if bool((edit.vector if isinstance(edit, Push) else edit.strength).any())
    )


def like(edits: Sequence[Edit]) -> Hashable:
    """What controls of these edits take from them, as a key: layers, norms, how many components, bounds."""
    return tuple(
        (edit.layer, float(edit.vector.norm())) if isinstance(edit, Push)
        else (edit.layer, *map(_bytes, (edit.low, edit.high, edit.strength)))
        for edit in edits
    )


def _parts(edit: Edit) -> tuple[Tensor, ...]:
    return (edit.vector,) if isinstance(edit, Push) else (edit.basis, edit.low, edit.high, edit.strength)


def _bytes(tensor: Tensor) -> bytes:
    data: bytes = tensor.detach().double().cpu().numpy().tobytes()
    return data


def _along(edit: Edit, directions: Tensor) -> Edit:
    if isinstance(edit, Push):
        return Push(edit.layer, edit.vector.norm() * directions[0])
    return replace(edit, basis=orthonormalise(directions.double()))
