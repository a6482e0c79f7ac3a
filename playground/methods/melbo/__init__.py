"""MELBO: its settings, and everything that page and command line say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.core.settings import PUBLISHED_RATE, RESTARTS, MelboSettings
from playground.limits import check_count, limits
from playground.methods.base.method import GRADIENT, Column, Figure, Method, Preset, Reads, of_depth
from playground.methods.base.radius import absolute_setting, check_one_radius, relative_setting
from playground.methods.base.setting import check_settings, setting

if TYPE_CHECKING:
    from playground.methods.base.request import FindRequest

RELATIVE_RADII = (0.02, 0.5)
"""Ends of the radius, in reference norms, when none is given: it is the radius up to which random pushes act as the
Jacobian says. Beyond half the reference norm texts break.
"""


@dataclass(frozen=True)
class Settings:
    """`relative_radius` in reference norms, or `radius` (neither: found on the model); `p` and `q` of the objective (q
    None is p); `learning_rate`, absolute (None: in proportion to the radius); `restarts` a vector; `start` is "random",
    "power" (vectors of power iteration), a row, or None for the best that is known.
    """

    relative_radius: float | None = relative_setting(
        placeholder="found",
        help="norm of every direction in reference norms (medians) of the residual stream at the source (that up to "
        "which random pushes act as the Jacobian says, at most 0.5)",
        info="norm of every vector; empty: as far as random pushes act linearly",
    )
    radius: float | None = absolute_setting()
    steps: int = setting(
        MelboSettings.steps, "whole", "number of steps", least=1, limit="steps", label="Steps", basic=True,
        help=f"steps of training ({MelboSettings.steps})", info="enough when the curve is flat",
    )
    restarts: int = setting(
        RESTARTS, "whole", "number of restarts", least=1, limit="restarts", slider=16, label="Restarts", basic=True,
        help=f"train each direction from this many starts and keep the best ({RESTARTS})",
        info="tries a vector, the best is kept",
    )
    start: str | None = setting(
        None, "row", "start", metavar="FILE#ROW", label="Start",
        words={"": "best known", "power": "power iteration", "random": "at random"},
        help="start from this row, from power for vectors of power iteration, or from random (the best known)",
        info="power iteration's vectors are where the linear part is steepest",
    )
    learning_rate: float | None = setting(
        None, "real", "learning rate", least=0, above=True, label="Learning rate", placeholder="fits the radius",
        help="of AdamW, absolute; 0.001 was published (in proportion to the radius)",
        info=f"empty: fits the radius; published: {PUBLISHED_RATE:g}",
    )
    p: float = setting(
        MelboSettings.p, "real", "p", least=1, label="p", help=f"exponent that weighs tokens ({MelboSettings.p})",
        info="over positions",
    )
    q: float | None = setting(
        None, "real", "q", least=0, above=True, label="q", placeholder="as p", info="over prompts",
        help="root that weighs prompts, 1 or p were published (p)",
    )

    def __post_init__(self) -> None:
        check_settings(self)
        check_one_radius(self)


def melbo(request: FindRequest, radius: float) -> MelboSettings:
    """The solver's settings of a request; `radius` is in units of the residual stream."""
    own = request.settings
    return MelboSettings(
        radius=radius, vectors=request.k, p=own.p, q=own.q, steps=own.steps,
        learning_rate=own.learning_rate, restarts=own.restarts, seed=request.seed,
    )  # fmt: skip


def _check(request: FindRequest) -> None:
    check_count(
        "starts (vectors × restarts)", request.k * request.settings.restarts, limits().starts, "ask for fewer of either"
    )


def _passes(request: FindRequest) -> float:
    # A quarter of the steps with all restarts, the others with the best of each vector.
    return float(GRADIENT * request.k * (3 + request.settings.restarts) / 4 * request.settings.steps)


METHOD = Method(
    name="melbo",
    label="MELBO",
    called="MELBO",
    summary="MELBO: pushes of a given norm with the largest effect",
    description="Directions of one norm that move the residual stream at the target layer as far as they can, "
    "orthogonal to\neach other, trained together by gradient ascent. The norm is --radius, or --relative-radius times "
    "the median\nnorm of the residual stream at the source layer.",
    about="Pushes of one norm that move a later layer as far as they can, found by gradient ascent.",
    source="MELBO (Mack and Turner, 2024)",
    settings=Settings,
    reads=Reads(target=True, tokens=2, help="read the effect at the last K tokens of each prompt, or at all (2)"),
    norm="given",
    values=(
        Column("objective", "objective"),
        Column("displacements", "displacement", "displacement", "moves {:.3g}"),
    ),
    figures=(
        Figure("lines", "Ascent", "displacements", "displacement at the target"),
        Figure(
            "bars", "Displacement", "displacements", "displacement at the target",
            wait="How far each vector moves the target layer comes here.",
        ),
    ),
    presets=(
        Preset("melbo-best", "four starts a vector, a learning rate in proportion to the radius"),
        Preset(
            "melbo-published",
            "MELBO: blocks 8 → 15 of 24 (its hidden state 16 is the output of block 15), in proportion; last 3 tokens, "
            "300 steps, learning rate 0.001, random start; its radius was 1 to 4, here it is found",
            {
                "learning_rate": PUBLISHED_RATE, "start": "random", "restarts": 1, "steps": 300, "p": 2.0, "q": 1.0,
                "target_tokens": 3,
            },
            layers=of_depth(8, 15, 24),
        ),
    ),
    passes=_passes,
    cost=("steps",),
    check=_check,
    run="playground.methods.melbo.run:run",
    rank=20,
)  # fmt: skip
