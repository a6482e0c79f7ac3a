"""Settings to begin with: those each method was published with, and those that did best here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.core.melbo import PUBLISHED_RATE


@dataclass(frozen=True)
class Preset:
    """`values` are fields of FindRequest; what a preset does not name keeps its default. Layers and prompts are left
    out, and so is MELBO's radius: they belong to a model. `name` tells presets apart, `label` is what a person reads.
    """

    name: str
    method: str
    label: str
    values: Mapping[str, Any]


PRESETS: tuple[Preset, ...] = (
    Preset("power-best", "power", "best here: block Krylov until it has converged", {}),
    Preset(
        "power-published",
        "power",
        "Power Steering: 12 vectors, last 2 tokens, 15 rounds of block iteration",
        # The published block is as wide as the vectors; Rayleigh–Ritz at the end is ours in either case.
        {"vectors": 12, "target_tokens": 2, "solver": "subspace", "block": 12, "steps": 15, "tolerance": 1e-6},
    ),
    Preset("melbo-best", "melbo", "best here: four starts a vector, a learning rate in proportion to the radius", {}),
    Preset(
        "melbo-published",
        "melbo",
        "MELBO: learning rate 0.001, random start, 300 steps (radius 1 to 4 in the original)",
        {
            "learning_rate": PUBLISHED_RATE,
            "start": "random",
            "restarts": 1,
            "steps": 300,
            "p": 2.0,
            "q": 1.0,
            "target_tokens": 3,
        },
    ),
    Preset("ortho-best", "ortho", "best here: batches of 16, until 5 % of the effect are left", {"vectors": 64}),
    Preset(
        "ortho-published",
        "ortho",
        "MELBO-ortho: one by one, learning rate 0.01, 1000 steps, no penalty",
        {"vectors": 64, "batch": 1, "learning_rate": 0.01, "steps": 1000, "penalty": 0.0, "stop_share": 0.0},
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
