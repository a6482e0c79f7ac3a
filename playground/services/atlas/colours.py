"""Quantities that the cells of an atlas can be coloured by: a number for each pair of layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from playground.library.atlas import Atlas, Pair

CONTROL, OVER, BROKEN = ", random", " over random", ", broken"
"""Behind the name of an effect: that of random directions of equal norm, the ratio of the two, and where its texts are
no text."""
SWING = "swing at "
"""What names of effects on choices begin with."""


@dataclass(frozen=True)
class Colour:
    """`title` as the page shows it; `explained` in a sentence; `of` gives the values by pair, in `unit`. `ratio`: its
    values are compared by ratios, so that colours are logarithmic. `diverging`: they lie on both sides of 0.
    """

    title: str
    explained: str
    of: Callable[[Atlas], dict[Pair, float]]
    ratio: bool = True
    diverging: bool = False
    unit: str = ""


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


def colours_of(atlas: Atlas | None) -> dict[str, Colour]:
    """Colours of an atlas by name: its effects first, where there are any, then those that every atlas has."""
    effects: dict[str, Colour] = {}
    measured = {} if atlas is None else atlas.effects
    for name in measured:
        if f"{name}{CONTROL}" not in measured:
            continue
        what, largest_of = (_SWING, "swing") if name.startswith(SWING) else (_KL, "KL")
        effects[name] = Colour(name, what, partial(_largest, name))
        effects[f"{name}{OVER}"] = Colour(
            f"{name} over random",
            f"The largest {largest_of} of the pair's vectors over that of as many random directions of equal norm at "
            "the same source: 1 is what chance does.",
            partial(_over, name),
        )
    return effects | COLOURS


_KL = (
    "KL(steered ‖ baseline) of the next token in nats, mean over prompts, the largest over vectors and signs at one "
    "relative scale. Those whose text breaks are left out; cells without any that holds stay empty."
)
_SWING = (
    "How far the log-odds of the answer that shows the behaviour lie apart between a vector and its negative, in nats, "
    "mean over items, at one relative scale; the largest over vectors."
)


def _largest(name: str, atlas: Atlas) -> dict[Pair, float]:
    effect = atlas.effects[name]
    values = swings(effect) if name.startswith(SWING) else largest(effect, atlas.effects.get(f"{name}{BROKEN}"))
    return {
        pair: value for pair, value in zip(atlas.places, values.tolist(), strict=True) if not math.isnan(value)
    }


def _over(name: str, atlas: Atlas) -> dict[Pair, float]:
    chance = _largest(f"{name}{CONTROL}", atlas)
    return {pair: value / max(chance[pair], 1e-9) for pair, value in _largest(name, atlas).items() if pair in chance}


def winners(effect: Tensor, broken: Tensor | None = None) -> Tensor:
    """(P,) int64: which of the 2k entries of a row of (P, k, 2) is the largest of those that are known and not broken
    (1 in `broken`); −1 where there is none.
    """
    known = effect.flatten(1).nan_to_num(-1.0, posinf=-1.0)
    if broken is not None:
        known = known.where(broken.flatten(1) != 1, -1.0)
    return known.argmax(dim=1).where(known.amax(dim=1) >= 0, -1)


def largest(effect: Tensor, broken: Tensor | None = None) -> Tensor:
    """(P,) The largest of an effect (P, k, 2) ≥ 0 over vectors and signs, without those that are `broken` (1); NaN
    where none is left or nothing was measured.
    """
    best = winners(effect, broken)
    values = effect.flatten(1).gather(1, best.clamp(min=0)[:, None])[:, 0]
    return values.where(best >= 0, torch.nan)


def swings(effect: Tensor) -> Tensor:
    """(P,) The largest distance between the two signs of an effect (P, k, 2), over vectors; NaN where none is known."""
    apart = (effect[:, :, 0] - effect[:, :, 1]).abs()
    return torch.where(apart.isnan().all(dim=1), torch.nan, apart.nan_to_num(-1.0).amax(dim=1))
