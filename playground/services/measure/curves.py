"""What is measured: every vector and every random direction, each with what is added at every scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import InputError
from playground.library.recipe import Recipe, resolve
from playground.library.vector_set import VectorSet, check_fits
from playground.model.load import LoadedModel
from playground.services.measure.request import MeasureRequest
from playground.services.measure.result import Kind, MeasuredSet
from playground.services.mix import LoadSet


@dataclass(frozen=True, eq=False)
class Curve:
    """One direction (d,) of norm 1 at `layer`, to be added at each of `scales` (absolute; `reference` is relative 1).

    `place` is its number among the curves of the result.
    """

    kind: Kind
    vector: str
    source: str | None
    layer: int
    direction: Tensor
    scales: tuple[float, ...]
    reference: float
    place: int = 0

    def pushes(self) -> list[tuple[Push, ...]]:
        """What is added at every scale other than 0."""
        return [(Push(self.layer, scale * self.direction),) for scale in self.scales if scale != 0]


@dataclass(frozen=True, eq=False)
class Plan:
    """`curves` in the order of the result: vectors, then controls. `sets` are what the vectors were taken from."""

    curves: tuple[Curve, ...]
    sets: tuple[MeasuredSet, ...]
    warnings: tuple[str, ...]

    def in_turn(self) -> list[list[Curve]]:
        """The curves in the order in which they are measured, one list a layer, which shares what runs below it.

        A control comes first, so that whatever is stopped early still has one to be compared with; the others last.
        """
        layers = dict.fromkeys(curve.layer for curve in self.curves)
        turns = []
        for layer in layers:
            here = [curve for curve in self.curves if curve.layer == layer]
            vectors = [curve for curve in here if curve.kind == "vector"]
            controls = [curve for curve in here if curve.kind == "random"]
            turns.append([*controls[:1], *vectors, *controls[1:]])
        return turns


def plan(loaded: LoadedModel, request: MeasureRequest, load_set: LoadSet) -> Plan:
    """Read the sets of the request and lay out all curves.

    Raises FileError for sets that are missing or were made for another width, InputError for rows that they do not
    have and for directions of norm 0.
    """
    sets: dict[str, VectorSet] = {}
    warnings: dict[str, str] = {}
    for vector in request.vectors:
        if vector.source not in sets:
            sets[vector.source] = load_set(vector.source)
            warning = check_fits(
                sets[vector.source], loaded.width, loaded.block_count, loaded.fingerprint, loaded.name
            )
            if warning is not None:
                warnings[vector.source] = warning
    curves = []
    for vector in request.vectors:
        (push,) = resolve(Recipe((vector.component(1.0),)), sets.__getitem__)
        wide = push.vector.double()  # of the row's norm 1, but an average has its own
        reference = sets[vector.source].origin.residual_norm
        scales = _absolute(request, reference)
        direction = (wide / wide.norm()).float()
        curves.append(Curve("vector", vector.label, vector.source, push.layer, direction, scales, reference))
    # Vectors of one layer and equal norms share their controls.
    places = {(curve.layer, curve.scales): curve.reference for curve in reversed(curves)}
    drawn = random_directions(request.controls, loaded.width, request.seed)
    for (layer, scales), reference in reversed(places.items()):
        for number, direction in enumerate(drawn):
            curves.append(Curve("random", f"random-{number}", None, layer, direction, scales, reference))
    numbered = tuple(replace(curve, place=place) for place, curve in enumerate(curves))
    return Plan(numbered, tuple(MeasuredSet.of(source, one) for source, one in sets.items()), tuple(warnings.values()))


def _absolute(request: MeasureRequest, reference: float) -> tuple[float, ...]:
    scales = tuple(scale * reference for scale in request.scales) if request.relative else request.scales
    if any(abs(scale) > 1e30 for scale in scales):
        largest = max(map(abs, scales))
        raise InputError(f"Expected scales that fit the model, got up to {largest:g}; choose smaller ones.")
    return scales
