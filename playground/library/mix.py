"""Resolves a recipe for the loaded model: its sets are read, checked against the model, and turned into edits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from playground.core.edit import Edit, pushes_of
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
    """`edits`: clamps and pushes, of these one a layer. `norm`: of all that is added, √Σ‖vector‖² over layers, in units
    of the residual stream.

    `warnings`: one sentence for each set that was made on another model.
    """

    edits: tuple[Edit, ...]
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

    edits = resolve(recipe, checked)
    norm = math.sqrt(sum(float(push.vector.double().square().sum()) for push in pushes_of(edits)))
    if residual_norms and not norm <= _MOST * max(residual_norms):
        raise InputError(
            f"Expected a push of at most a million times the residual stream's norm, {max(residual_norms):.3g}, got "
            f"{norm:.3g}; use a smaller scale."
        )
    return Mix(edits, norm, tuple(warnings.values()))
