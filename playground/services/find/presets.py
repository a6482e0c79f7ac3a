"""Settings to begin with: those each method was published with, and those that did best here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playground.core.settings import PUBLISHED_RATE


@dataclass(frozen=True)
class Preset:
    """`values` are fields of FindRequest; what a preset does not name keeps its default. `layers`: number of blocks →
    (source, target), None for the usual ones of the model. `prompts`: how many are used, None for the usual number.
    MELBO's radius is left out: it belongs to a model. `name` tells presets apart, `label` is what a person reads.
    """

    name: str
    method: str
    label: str
    values: Mapping[str, Any]
    layers: Callable[[int], tuple[int, int]] | None = None
    prompts: int | None = None

    @property
    def published(self) -> bool:
        """Whether these are the settings of the paper."""
        return self.name.endswith("-published")


def _power_layers(blocks: int) -> tuple[int, int]:
    """7 and L − 8; models too shallow for that take the share of the depth that it is for 40 blocks."""
    return _within((7, blocks - 8), blocks) if blocks > 16 else _of_depth(7, 32, 40)(blocks)


def _of_depth(source: int, target: int, depth: int) -> Callable[[int], tuple[int, int]]:
    """The layers that lie where `source` and `target` lie in a model of `depth` blocks."""
    return lambda blocks: _within((round(source * blocks / depth), round(target * blocks / depth)), blocks)


def _within(layers: tuple[int, int], blocks: int) -> tuple[int, int]:
    """0 ≤ source < target < blocks."""
    source = max(min(layers[0], blocks - 2), 0)
    return source, max(min(layers[1], blocks - 1), source + 1)


PRESETS: tuple[Preset, ...] = (
    Preset("power-best", "power", "block Krylov until it has converged, 12 vectors, several prompts", {}),
    Preset(
        "power-published",
        "power",
        "Power Steering: blocks 7 → L−8, one prompt, last 2 tokens, 12 vectors, 15 rounds of block iteration; pushed "
        "at norms of 5 to 50 on a 14B model",
        # The published block is as wide as the vectors; Rayleigh–Ritz at the end is ours in either case.
        {"vectors": 12, "target_tokens": 2, "solver": "subspace", "block": 12, "steps": 15, "tolerance": 1e-6},
        layers=_power_layers,
        prompts=1,
    ),
    Preset("melbo-best", "melbo", "four starts a vector, a learning rate in proportion to the radius", {}),
    Preset(
        "melbo-published",
        "melbo",
        "MELBO: blocks 8 → 15 of 24 (its hidden state 16 is the output of block 15), in proportion; last 3 tokens, 300 "
        "steps, learning rate 0.001, random start; its radius was 1 to 4, here it is found",
        {
            "learning_rate": PUBLISHED_RATE,
            "start": "random",
            "restarts": 1,
            "steps": 300,
            "p": 2.0,
            "q": 1.0,
            "target_tokens": 3,
        },
        layers=_of_depth(8, 15, 24),
    ),
    Preset("ortho-best", "ortho", "batches of 16, until 5 % of the effect are left", {"vectors": 64}),
    Preset(
        "ortho-published",
        "ortho",
        "MELBO-ortho: blocks 8 → 16 of 24, in proportion, with a base found there; mean over all positions, sinks "
        "too, one by one, learning rate 0.01, 1000 steps, no penalty",
        {
            "vectors": 64,
            "batch": 1,
            "learning_rate": 0.01,
            "steps": 1000,
            "penalty": 0.0,
            "stop_share": 0.0,
            "read_sinks": True,
        },
        layers=_of_depth(8, 16, 24),
    ),
    Preset(
        "difference-published", "difference", "CAA: last token, or where the answer letter is", {"target_tokens": 1}
    ),
    Preset("random", "random", "directions of equal norm, drawn from the seed", {}),
)
"""The first preset of a method is the one to begin with."""


def presets(method: str) -> tuple[Preset, ...]:
    """The presets of one method."""
    return tuple(preset for preset in PRESETS if preset.method == method)
