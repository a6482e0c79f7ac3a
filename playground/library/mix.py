"""Resolves a recipe for the loaded model: its sets are read, checked against the model, and turned into pushes. And
what it is judged by: random pushes of equal norm at the same layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import InputError
from playground.library.recipe import Recipe, resolve
from playground.library.vector_set import VectorSet, check_fits

LoadSet = Callable[[str], VectorSet]
"""From the source of a component (the name of a set, or a file) to the set. Raises FileError when there is none."""


class Fitted(Protocol):
    """What a model says of itself, for sets to be checked against (a LoadedModel)."""

    @property
    def width(self) -> int: ...

    @property
    def block_count(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Mix:
    """`pushes`: one a layer. `norm`: of all that is added, √Σ‖vector‖² over layers, in units of the residual stream.

    `warnings`: one sentence for each set that was made on another model.
    """

    pushes: tuple[Push, ...]
    norm: float
    warnings: tuple[str, ...]


_MOST = 1e6
"""Norm of a mix over the residual stream's. Beyond it float32 has no digits left for what the model itself says."""


def mix(loaded: Fitted, recipe: Recipe, load_set: LoadSet) -> Mix:
    """Resolve `recipe` for this model.

    Raises FileError for a set that is not there or was made for another width, InputError for rows it does not have and
    for more than a million times the norm of the residual stream.
    """
    warnings: dict[str, str] = {}
    residual_norms: list[float] = []

    def checked(source: str) -> VectorSet:
        vector_set = load_set(source)
        warning = check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
        if warning is not None:
            warnings[source] = warning
        residual_norms.append(vector_set.origin.residual_norm)
        return vector_set

    pushes = resolve(recipe, checked)
    norm = math.sqrt(sum(float(push.vector.double().square().sum()) for push in pushes))
    if residual_norms and not norm <= _MOST * max(residual_norms):
        raise InputError(
            f"Expected a push of at most a million times the residual stream's norm, {max(residual_norms):.3g}, got "
            f"{norm:.3g}; use a smaller scale."
        )
    return Mix(pushes, norm, tuple(warnings.values()))


def scaled(pushes: Sequence[Push], factor: float) -> tuple[Push, ...]:
    """All pushes times a factor; none for the factor 0."""
    return tuple(Push(push.layer, factor * push.vector) for push in pushes) if factor != 0 else ()


def random_pushes(pushes: Sequence[Push], count: int, seed: int) -> list[tuple[Push, ...]]:
    """For each of `count` controls a random push at every layer of `pushes`, with the norm of the push there.

    The same for the same seed and layers; controls of nothing are nothing.
    """
    if not pushes or count < 1:
        return [()] * count
    directions = random_directions(count * len(pushes), pushes[0].width, seed).view(count, len(pushes), -1)
    return [
        tuple(Push(push.layer, push.vector.norm() * row) for push, row in zip(pushes, rows, strict=True))
        for rows in directions
    ]
