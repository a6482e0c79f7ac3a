"""Difference of two models of one architecture, layer pair by layer pair: what training changed shows where it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from playground.errors import InputError
from playground.library.atlas import Atlas, Pair
from playground.services.atlas.colours import Colour, overlap

MOST = 3
"""Pairs that the sentence on a difference names."""


@dataclass(frozen=True)
class PairDifference:
    """`log_ratio`: mean over the vectors of ln(σ_i of the second / σ_i of the first), nats, 0 where a gain
    is 0; `angle` between the leading subspaces, degrees: 0 for the same, 90 for orthogonal ones, from the root mean
    square cosine of their principal angles.
    """

    log_ratio: float
    angle: float


def difference(first: Atlas, second: Atlas) -> dict[Pair, PairDifference]:
    """Of every pair of layers that both atlases hold, over as many vectors as both have.

    Raises InputError for the same atlas twice, for models of another width or number of blocks, for other prompts or
    tokens, whose effect could not be told from that of the weights, and for atlases that have no pair in common.
    """
    one, other = first.origin, second.origin
    if (one.width, one.block_count) != (other.width, other.block_count):
        raise InputError(
            f"Expected two models of one architecture, got {one.model} with {one.block_count} blocks of width "
            f"{one.width} and {other.model} with {other.block_count} of {other.width}; choose a copy of the first."
        )
    if (one.prompts, one.chat, one.system, one.target_tokens) != (
        other.prompts, other.chat, other.system, other.target_tokens,
    ):  # fmt: skip
        raise InputError(
            "Expected two atlases on the same prompts and tokens, got others: a difference would be theirs as well as "
            "the models'; make the second one with the prompts of the first."
        )
    if _same(first, second):
        raise InputError(
            f"Expected an atlas of another model, got the same vectors and gains as in {first.name or 'the first'}; "
            "choose the atlas of a copy that was trained further, say."
        )
    there, k = second.places, min(first.k, second.k)
    found = {}
    for pair, place in first.places.items():
        if pair not in there:
            continue
        values, others = first.singular_values[place, :k], second.singular_values[there[pair], :k]
        ratio = float((others.double() / values.double()).log().mean()) if bool((values * others > 0).all()) else 0.0
        cosine = overlap(first.vectors[place, :k], second.vectors[there[pair], :k])
        found[pair] = PairDifference(ratio, math.degrees(math.acos(min(cosine, 1.0))))
    if not found:
        raise InputError("Expected atlases that share a pair of layers, got none; map the same layers of both models.")
    return found


def _same(first: Atlas, second: Atlas) -> bool:
    return all(
        torch.equal(one, other)
        for one, other in (
            (first.pairs, second.pairs), (first.singular_values, second.singular_values),
            (first.vectors, second.vectors),
        )
    )  # fmt: skip


def difference_colours(found: Mapping[Pair, PairDifference]) -> dict[str, Colour]:
    """The two numbers of a difference as colours of the first atlas."""
    return {
        "angle": Colour(
            "angle of leading subspaces",
            "How far the leading directions of the pair lie from those of the other model: 0° are the same, 90° have "
            "nothing in common. Another seed of one model's atlas turns cells by a few degrees too.",
            lambda atlas: {pair: each.angle for pair, each in found.items()}, ratio=False, unit="°",
        ),
        "log-ratio": Colour(
            "log-ratio of gains",
            "ln(σ of the other model / σ of this one), mean over the pair's vectors: above 0 the other amplifies more, "
            "0.69 is twice as much.",
            lambda atlas: {pair: each.log_ratio for pair, each in found.items()}, ratio=False, diverging=True,
        ),
    }  # fmt: skip


def changed_most(found: Mapping[Pair, PairDifference]) -> str:
    """A sentence on the pairs that differ most: by the angle of their subspaces, and by their gains, up and down."""
    by_angle = sorted(found, key=lambda pair: -found[pair].angle)
    by_gain = sorted(found, key=lambda pair: found[pair].log_ratio)
    turned = ", ".join(f"{_named(pair)} ({found[pair].angle:.0f}°)" for pair in by_angle[:MOST])
    middle = found[by_angle[len(by_angle) // 2]].angle
    sides = [
        f"{verb} most at {_named(pair)} ({found[pair].log_ratio:+.2f})".replace("-", "−")
        for verb, pair, sign in (("grew", by_gain[-1], 1), ("fell", by_gain[0], -1))
        if sign * found[pair].log_ratio > 0
    ]
    gains = f"; gains {' and '.join(sides)}, as ln ratio" if sides else "; gains are the same"
    return (
        f"{len(found)} pairs compared, half of them {middle:.0f}° apart or less: directions turned most at "
        f"{turned}{gains}."
    )


def _named(pair: Pair) -> str:
    return f"{pair[0]} → {pair[1]}"
