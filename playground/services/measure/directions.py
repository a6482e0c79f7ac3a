"""The directions that are measured, as a model takes them: unit vectors at a layer, and the random ones beside them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.library.recipe import Recipe
from playground.model.load import LoadedModel
from playground.services.measure.request import MeasuredVector
from playground.services.mix import LoadSet, mix


@dataclass(frozen=True)
class Direction:
    """A unit vector (d,) float32 at the output of block `layer`; `reference` is the norm of relative scale 1 there.

    `vector` is what to call it, and `source` its set; None for a random direction.
    """

    kind: Literal["vector", "random"]
    vector: str
    source: str | None
    layer: int
    unit: Tensor
    reference: float

    @property
    def name(self) -> str:
        """What tells it from others: `set#3`, `random-0`."""
        return self.vector if self.source is None else f"{self.source}#{self.vector}"

    def norm(self, scale: float, relative: bool) -> float:
        """The norm of what is added at a scale, negative for the other way."""
        return scale * self.reference if relative else scale

    def place(self, scale: float, relative: bool) -> dict[str, Any]:
        """What a row says of where it was measured (the fields of Row), at a scale as the request has it."""
        norm = self.norm(scale, relative)
        return {
            "kind": self.kind,
            "vector": self.vector,
            "source": self.source,
            "layer": self.layer,
            "scale": norm,
            "relative": scale if relative else norm / self.reference,
        }

    def pushes(self, scale: float, relative: bool) -> tuple[Push, ...]:
        """What is added at a scale; nothing at 0."""
        return (Push(self.layer, self.norm(scale, relative) * self.unit),) if scale != 0 else ()


def directions(
    loaded: LoadedModel,
    vectors: Sequence[MeasuredVector],
    controls: int,
    seed: int,
    load_set: LoadSet,
    relative: bool = True,
) -> tuple[tuple[Direction, ...], tuple[str, ...]]:
    """The vectors in their order, then `controls` random directions from `seed` for each layer at which there are
    vectors, and with `relative` scales for each reference norm there; and warnings about sets made on another model.

    Raises FileError for sets that are missing or of another width, InputError for rows they do not have and for
    directions of norm 0.
    """
    found, warnings = [], {}
    load_set = functools.cache(load_set)  # many vectors, few files
    for vector in vectors:
        made = mix(loaded, Recipe((vector.component(1.0),)), load_set)
        warnings |= dict.fromkeys(made.warnings)
        push = made.pushes[0]
        unit, reference = push.vector / push.vector.norm(), load_set(vector.source).origin.residual_norm
        found.append(Direction("vector", vector.label, vector.source, push.layer, unit, reference))
    places: dict[tuple[int, float], float] = {}
    for direction in found:
        places.setdefault((direction.layer, direction.reference if relative else 0.0), direction.reference)
    for (layer, _), reference in places.items():
        drawn = random_directions(controls, loaded.width, seed)
        found += [Direction("random", f"random-{i}", None, layer, unit, reference) for i, unit in enumerate(drawn)]
    return tuple(found), tuple(warnings)
