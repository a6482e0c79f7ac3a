"""Difference of two models of one architecture, layer pair by layer pair: what training changed shows where it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from playground.errors import InputError
from playground.library.atlas import Atlas, Pair
from playground.services.atlas.colours import overlap


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

    Raises InputError for models of another width or number of blocks, for other prompts or tokens, whose effect could
    not be told from that of the weights, and for atlases that have no pair in common.
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
