"""What a recipe adds to the loaded model: its sets are read, checked against the model, and turned into pushes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from playground.core.push import Push
from playground.library.recipe import Recipe, resolve
from playground.library.vector_set import VectorSet, check_fits
from playground.model.load import LoadedModel

LoadSet = Callable[[str], VectorSet]
"""From the source of a component (the name of a set, or a file) to the set. Raises FileError when there is none."""


@dataclass(frozen=True)
class Mix:
    """`pushes`: one a layer. `norm`: of all that is added, √Σ‖vector‖² over layers, in units of the residual stream.

    `warnings`: one sentence for each set that was made on another model.
    """

    pushes: tuple[Push, ...]
    norm: float
    warnings: tuple[str, ...]


def mix(loaded: LoadedModel, recipe: Recipe, load_set: LoadSet) -> Mix:
    """Resolve `recipe` for this model.

    Raises FileError for a set that is not there or was made for another width, InputError for rows it does not have.
    """
    warnings: dict[str, str] = {}

    def checked(source: str) -> VectorSet:
        vector_set = load_set(source)
        warning = check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
        if warning is not None:
            warnings[source] = warning
        return vector_set

    pushes = resolve(recipe, checked)
    norm = math.sqrt(sum(float(push.vector.double().square().sum()) for push in pushes))
    return Mix(pushes, norm, tuple(warnings.values()))
