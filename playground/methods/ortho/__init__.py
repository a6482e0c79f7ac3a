"""MELBO-ortho: its settings, and everything that page and command line say of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.core.settings import OrthoSettings
from playground.errors import InputError
from playground.methods.base.method import (
    ALL,
    GRADIENT,
    Column,
    Continues,
    Count,
    Figure,
    Method,
    Preset,
    Reads,
    of_depth,
)
from playground.methods.base.setting import check_settings, setting

if TYPE_CHECKING:
    from playground.methods.base.request import FindRequest


@dataclass(frozen=True)
class Settings:
    """`base`, a recipe at the source layer whose effect is repeated; `batch` vectors at a time; at most `steps` a
    batch; `penalty` on ‖θ‖²; `stop_share`, the share of the effect below which it ends; `learning_rate` (None: in
    proportion to the base).
    """

    base: str | None = setting(
        None, "recipe", "base", label="Base", basic=True,
        help="what is repeated: a row, a mean FILE#mean:A-B@SCALE, or a mix by commas",
        info="whose effect is repeated: with a scale at which Steer shows it clearly",
    )
    stop_share: float = setting(
        OrthoSettings.stop_share, "real", "share of the effect", least=0, most=1, percent=True, basic=True,
        label="Stop below / %", info="mean effect left; 0 never stops",
        help=f"stop after a batch that keeps less than this share of the effect ({OrthoSettings.stop_share}; 0 never "
        "stops)",
    )
    batch: int = setting(
        OrthoSettings.batch, "whole", "batch", least=1, limit="batch", label="Vectors a batch",
        help=f"directions that are trained together ({OrthoSettings.batch})",
        info="found together, then kept on disk",
    )
    steps: int = setting(
        OrthoSettings.steps, "whole", "number of steps", least=1, limit="steps", label="Steps a batch",
        help=f"at most this many steps a batch ({OrthoSettings.steps})", info="at most; it stops when flat",
    )
    learning_rate: float | None = setting(
        None, "real", "learning rate", least=0, above=True, label="Learning rate", placeholder="fits the base",
        help="of Adam, absolute; 0.01 was published (in proportion to the norm of the base)",
        info="empty: fits the base",
    )
    penalty: float = setting(
        OrthoSettings.penalty, "real", "penalty", least=0, label="Penalty",
        help=f"weight of ‖θ‖² in the loss ({OrthoSettings.penalty}, norms are free)",
        info="λ of λ‖θ‖²; 0: free norm",
    )

    def __post_init__(self) -> None:
        check_settings(self)


def ortho(request: FindRequest) -> OrthoSettings:
    """The solver's settings of a request; its `vectors` counts those of earlier runs."""
    own = request.settings
    return OrthoSettings(
        vectors=request.k, batch=own.batch, steps=own.steps, learning_rate=own.learning_rate,
        penalty=own.penalty, stop_share=own.stop_share, seed=request.seed,
    )  # fmt: skip


def _check(request: FindRequest) -> None:
    if request.settings.base is None:
        raise InputError("Expected a base whose effect is repeated, got none; give one such as FILE#ROW@SCALE.")
    if not request.recipes()["base"].components:
        raise InputError("Expected a base with something in it, got an empty recipe; give one such as FILE#ROW@SCALE.")
    ortho(request)


def _passes(request: FindRequest) -> float:
    own = request.settings
    batches = math.ceil(request.k / int(own.batch))
    return float(GRADIENT * batches * own.batch * own.steps)


METHOD = Method(
    name="ortho",
    label="MELBO-ortho",
    called="MELBO-ortho",
    summary="MELBO-ortho: directions orthogonal to a base that do the same",
    description="Directions of free norm, orthogonal to the base and to each other, that move the residual stream at "
    "the\ntarget layer to where the base moves it. Every finished batch is written to the file; --continue goes on.",
    about="Given a vector that does something: others that do the same, each orthogonal to it and to all before.",
    source="MELBO-ortho (g-w1, 2024)",
    settings=Settings,
    reads=Reads(
        target=True, tokens=ALL, help="repeat the mean effect over the last K tokens of each prompt, or over all (all)"
    ),
    count=Count(
        OrthoSettings.vectors, "copies", beside=1, label="Vectors at most", info="new ones, the base not counted",
        help="at most this many directions in all",
    ),
    seed="seed of the first guesses",
    norm="free",
    values=(
        Column("objective", "objective"),
        Column("effects", "effect left", "effect", "effect {:.0f} %", percent=True),
        Column("last_effects", "effect left at the last tokens", "at the end"),
        Column("divergences", "KL to the base / nats", "KL to base"),
    ),
    figures=(
        Figure(
            "shares", "This batch", "effects", "effect left / %",
            wait="The effect left of every vector of a batch is drawn here, step by step.",
        ),
        Figure("effect_left", "Effect left", "effects"),
        Figure("divergence", "KL to the base", "divergences"),
        Figure("norm", "Norm", "norms"),
    ),
    presets=(
        Preset("ortho-best", "batches of 16, until 5 % of the effect are left", {"vectors": 64}),
        Preset(
            "ortho-published",
            "MELBO-ortho: blocks 8 → 16 of 24, in proportion, with a base found there; mean over all positions, sinks "
            "too, one by one, learning rate 0.01, 1000 steps, no penalty",
            {
                "vectors": 64, "batch": 1, "learning_rate": 0.01, "steps": 1000, "penalty": 0.0, "stop_share": 0.0,
                "read_sinks": True,
            },
            layers=of_depth(8, 16, 24),
        ),
    ),
    passes=_passes,
    cost=("steps",),
    at_most=True,
    check=_check,
    continues=Continues(
        may_change=("learning_rate", "batch", "steps", "penalty", "stop_share"),
        needs=("base", "objective", "effects", "divergences"),
    ),
    run="playground.methods.ortho.run:run",
    rank=30,
)  # fmt: skip
