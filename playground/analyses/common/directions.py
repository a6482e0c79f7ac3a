"""Unit directions of a measurement: those of the requested vectors, and random controls at the same layers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from torch import Tensor

from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import Place
from playground.core.contrast import random_directions
from playground.core.edit import pushes_of
from playground.core.push import Push
from playground.errors import InputError
from playground.library.mix import LoadSet, mix
from playground.library.recipe import Recipe
from playground.library.rows import MAX_NAMED
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel


@dataclass(frozen=True)
class Direction:
    """A unit vector (d,) float32 at the output of block `layer`; `reference` is the norm of relative scale 1 there.

    `one` are the norms of scale 1 and of scale −1 in the `scale_unit` of the request (library/checks.py). `vector`
    is its label, and `source` its set; None for a random direction.
    """

    kind: Literal["vector", "random"]
    vector: str
    source: str | None
    layer: int
    unit: Tensor
    reference: float
    scale_unit: str
    one: tuple[float, float]

    @property
    def name(self) -> str:
        """Unique name at a layer: `set#3`, `random-0`."""
        return self.vector if self.source is None else f"{self.source}#{self.vector}"

    def norm(self, scale: float) -> float:
        """The norm of what is added at a scale in the unit of the request, negative for the opposite direction."""
        return scale * self.one[scale < 0]

    def place(self, scale: float) -> Place:
        """The fields of Row at a scale in the unit of the request."""
        norm = self.norm(scale)
        place: Place = {
            "kind": self.kind,
            "vector": self.vector,
            "source": self.source,
            "layer": self.layer,
            "scale": norm,
            "relative": scale if self.scale_unit == "r" else norm / self.reference,
        }
        if self.scale_unit == "f":
            place["multiple"] = scale
        return place

    def pushes(self, scale: float) -> tuple[Push, ...]:
        """The pushes that add it at a scale; none at 0."""
        return (Push(self.layer, self.norm(scale) * self.unit),) if scale != 0 else ()


def directions(
    loaded: LoadedModel,
    vectors: Sequence[MeasuredVector],
    controls: int,
    seed: int,
    load_set: LoadSet,
    unit: str = "a",
) -> tuple[tuple[Direction, ...], tuple[str, ...]]:
    """The vectors in their order, then `controls` random directions from `seed` for each layer at which there are
    vectors, and warnings about sets made on another model.

    With absolute scales controls are measured once at a layer, with relative scales once for each reference norm there,
    and with multiples of found scales at the median of the vectors' norms. A vector with a found scale in one sign only
    uses it in both; an average uses the median of its rows'. Vectors without any are left out, with a warning.

    Raises FileError for sets that are missing or of another width, InputError for rows they do not have, directions of
    norm 0, and multiples of found scales when no vector has one.
    """
    found: list[Direction] = []
    left_out: list[str] = []
    warnings: dict[str, None] = {}
    load_set = functools.cache(load_set)  # many vectors, few files
    for vector in vectors:
        made = mix(loaded, Recipe((vector.component(1.0),)), load_set)
        warnings |= dict.fromkeys(made.warnings)
        (push,), vector_set = pushes_of(made.edits), load_set(vector.source)
        reference = vector_set.origin.residual_norm
        one = (1.0, 1.0) if unit == "a" else (reference, reference) if unit == "r" else _found(vector_set, vector)
        if one is None:
            left_out.append(str(vector))
            continue
        direction = push.vector / push.vector.norm()
        found.append(Direction("vector", vector.label, vector.source, push.layer, direction, reference, unit, one))
    if not found:
        raise InputError(
            f"Expected found scales in {', '.join(dict.fromkeys(vector.source for vector in vectors))} for scales in "
            "multiples of them, got none; run `python -m playground calibrate --vectors SET` first, or choose relative "
            "scales."
        )
    if left_out:
        named, more = left_out[:MAX_NAMED], len(left_out) - MAX_NAMED
        warnings[
            f"Left out, since no scale was found for them in either sign: {', '.join(named)}"
            f"{f' and {more} more' if more > 0 else ''}."
        ] = None
    for layer, reference, one in _places(found):
        drawn = random_directions(controls, loaded.width, seed)
        found += [
            Direction("random", f"random-{i}", None, layer, direction, reference, unit, one)
            for i, direction in enumerate(drawn)
        ]
    return tuple(found), tuple(warnings)


def _places(vectors: Sequence[Direction]) -> list[tuple[int, float, tuple[float, float]]]:
    """Where controls are measured: the layer, the reference norm and the norms of scale ±1."""
    places: dict[tuple[int, float], list[Direction]] = {}
    for vector in vectors:
        places.setdefault((vector.layer, vector.reference if vector.scale_unit == "r" else 0.0), []).append(vector)
    return [
        (layer, same[0].reference, (median(each.one[0] for each in same), median(each.one[1] for each in same)))
        for (layer, _), same in places.items()
    ]


def _found(vector_set: VectorSet, vector: MeasuredVector) -> tuple[float, float] | None:
    """The found scales of a vector in both signs; None where there is none."""
    if vector.row is not None:
        return vector_set.found_pair(vector.row)
    rows = range(*vector.mean or ())
    windows = [[vector_set.window(row, sign) for row in rows] for sign in (1, -1)]
    scales = [[window.found for window in own if window is not None and window.found] for own in windows]
    if not any(scales):
        return None
    plus, minus = (median(own) if own else None for own in scales)
    return plus or minus or 0.0, minus or plus or 0.0
