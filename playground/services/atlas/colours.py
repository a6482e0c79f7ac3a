"""Quantities that the cells of an atlas can be coloured by: a number for each pair of layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.library.atlas import Atlas, Pair


@dataclass(frozen=True)
class Colour:
    """`title` as the page shows it; `explained` in a sentence; `of` gives the values by pair. `ratio`: its
    values are compared by ratios, so that colours are logarithmic.
    """

    title: str
    explained: str
    of: Callable[[Atlas], dict[Pair, float]]
    ratio: bool = True


def _gain(atlas: Atlas) -> dict[Pair, float]:
    return dict(zip(atlas.places, atlas.singular_values[:, 0].tolist(), strict=True))


def _relative(atlas: Atlas) -> dict[Pair, float]:
    norms = atlas.residual_norms.tolist()
    return {(s, t): gain * norms[s] / norms[t] for (s, t), gain in _gain(atlas).items() if norms[t] > 0}


def _decay(atlas: Atlas) -> dict[Pair, float]:
    values = atlas.singular_values
    return dict(zip(atlas.places, (values[:, -1] / values[:, 0]).tolist(), strict=True))


def _next_target(atlas: Atlas) -> dict[Pair, float]:
    following = dict(zip(atlas.targets, atlas.targets[1:], strict=False))
    return _alike(atlas, lambda pair: (pair[0], following.get(pair[1], -1)))


def _next_source(atlas: Atlas) -> dict[Pair, float]:
    following = dict(zip(atlas.sources, atlas.sources[1:], strict=False))
    return _alike(atlas, lambda pair: (following.get(pair[0], -1), pair[1]))


def _alike(atlas: Atlas, neighbour: Callable[[Pair], Pair]) -> dict[Pair, float]:
    """`overlap` of the leading subspace with that of a neighbouring pair, where there is one."""
    places = atlas.places
    return {
        pair: overlap(atlas.vectors[place], atlas.vectors[places[other]])
        for pair, place in places.items()
        if (other := neighbour(pair)) in places
    }


def overlap(first: Tensor, second: Tensor) -> float:
    """Root mean square of the cosines of the principal angles between two sets of orthonormal rows (k, d): 0 to 1."""
    return float(torch.linalg.svdvals(first.double() @ second.double().T).square().mean().sqrt())


COLOURS: dict[str, Colour] = {
    "gain": Colour("gain σ₁", "How much the later layer amplifies the leading direction of the earlier one.", _gain),
    "relative": Colour(
        "relative gain",
        "σ₁ times the reference norm at the source over that at the target: what a push of relative scale 1 would "
        "move, relative to what is there.", _relative,
    ),
    "decay": Colour(
        "last σ over first", "Near 1 many directions are amplified alike; near 0 the first stands out.", _decay
    ),
    "next target": Colour(
        "alike at the next target",
        "Cosine between this pair's leading subspace and that of the same source at the next target.", _next_target,
        ratio=False,
    ),
    "next source": Colour(
        "alike at the next source",
        "Cosine between this pair's leading subspace and that of the next source at the same target.", _next_source,
        ratio=False,
    ),
}  # fmt: skip
