"""Power iteration: its settings, and everything that page and command line say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.core.settings import METRICS, SOLVERS, KrylovSettings
from playground.errors import InputError
from playground.methods.base.method import (
    PRODUCT,
    Column,
    Figure,
    Method,
    Preset,
    Reads,
    of_depth,
    within,
)
from playground.methods.base.setting import check_settings, setting

if TYPE_CHECKING:
    from playground.methods.base.request import FindRequest

_STEPS = 4  # that block Krylov takes as a rule
_OVERSAMPLE = 4


@dataclass(frozen=True)
class Settings:
    """`solver`, `steps`, `tolerance` and `block` as in KrylovSettings; `start`, a row (a scale is allowed) or "random";
    `theta0`, a recipe that is added while the Jacobian is taken; `weights`, one for each of the last K positions,
    oldest first; `metric` on the residual stream at the target.
    """

    start: str | None = setting(
        None, "row", "start", metavar="FILE#ROW", words={"": "at random", "random": ""}, label="Start",
        help="start from this row, or random (random); it may have a scale",
        info="a good vector saves steps; the result is the same",
    )
    theta0: str | None = setting(
        None, "recipe", "theta0", label="Linearised at", pick=False, unset="the model as it is",
        help="take the Jacobian where this recipe has steered the model (unsteered)",
        info="the Jacobian of the model as it is, or while the mix in Steer is added",
    )
    weights: tuple[float, ...] | None = setting(
        None, "reals", "weight", metavar="W,…", least=0, label="Weights of the positions", placeholder="all the same",
        help="what each of the last K tokens counts, oldest first, joined by commas (all the same)",
        info="one for each last token, oldest first: 0.5 1",
    )
    metric: str = setting(
        METRICS[0], "choice", "metric", choices=METRICS, label="Metric at the target",
        help="what entries of the residual stream at the target count: identity, or by their variance over the "
        "prompts, variance or inverse-variance (identity)",
        info="what counts there: every entry alike, or by its variance over the prompts",
    )
    solver: str = setting(
        KrylovSettings.solver, "choice", "solver", choices=SOLVERS, label="Solver",
        help="krylov, or subspace for plain block power iteration with Rayleigh–Ritz (krylov)",
        info="krylov keeps all it has seen and is faster; subspace is the classic iteration",
    )
    tolerance: float = setting(
        KrylovSettings.tolerance, "real", "tolerance", least=0, most=1, above=True, label="Tolerance",
        help=f"the residual ‖Jᵀu − σv‖ / σ at which a direction counts as found ({KrylovSettings.tolerance})",
        info="largest residual ‖Jᵀu − σv‖ / σ at which it stops",
    )
    steps: int = setting(
        KrylovSettings.steps, "whole", "number of steps", least=1, limit="steps", label="Steps at most",
        help=f"at most this many steps ({KrylovSettings.steps}); it stops when the residuals are small enough",
        info="each forth and back",
    )
    block: int | None = setting(
        None, "whole", "number of columns", least=1, limit="columns", label="Block", placeholder="fits the vectors",
        help="columns in a product (chosen from k)", info="columns a step",
    )

    def __post_init__(self) -> None:
        check_settings(self)


def krylov(request: FindRequest) -> KrylovSettings:
    """The solver's settings of a request. Raises InputError for those that do not go together."""
    own = request.settings
    return KrylovSettings(
        vectors=request.k, steps=own.steps, tolerance=own.tolerance, block=own.block, seed=request.seed,
        solver=own.solver,
    )  # fmt: skip


def _check(request: FindRequest) -> None:
    krylov(request)
    weights, tokens = request.settings.weights, request.target_tokens
    if weights is None:
        return
    if tokens is None:
        raise InputError(
            f"Expected no weights when the effect is read at all tokens, got {len(weights)}; leave them out, "
            "or read the last few tokens."
        )
    if len(weights) != tokens:
        raise InputError(
            f"Expected a weight for each target token, got {len(weights)} weights for {tokens} tokens; give as many, "
            "oldest first."
        )
    if not any(weights):
        raise InputError("Expected a weight above 0 among the weights, got zeros only; weigh one position at least.")


def _passes(request: FindRequest) -> float:
    own = request.settings
    steps = _STEPS if own.solver == KrylovSettings.solver else own.steps
    return PRODUCT * (request.k + _OVERSAMPLE) * steps


def _published_layers(blocks: int) -> tuple[int, int]:
    """7 and L − 8; models too shallow for that take the share of the depth that it is for 40 blocks."""
    return within((7, blocks - 8), blocks) if blocks > 16 else of_depth(7, 32, 40)(blocks)


METHOD = Method(
    name="power",
    label="Power iteration",
    called="power iteration",
    summary="power iteration on the Jacobian between two layers",
    description="The top singular vectors of the Jacobian from the source to the target layer, stacked over the "
    "prompts, by\nblock Krylov iteration. A singular value is the gain along its direction (RMS over prompts).",
    about="The directions a later layer amplifies most: singular vectors of the Jacobian, exact for small pushes.",
    source="Power Steering (O. Ayyub, 2026)",
    settings=Settings,
    reads=Reads(target=True, tokens=2, help="read the effect at the last K tokens of each prompt, or at all (2)"),
    values=(
        Column("singular_values", "singular value", "σ", "σ {:.3g}"),
        Column("residuals", "residual", digits=2),
    ),
    figures=(
        Figure("convergence", "Convergence", "singular_values"),
        Figure(
            "spectrum", "Spectrum", "singular_values",
            wait="The singular values come here: how much the model amplifies each direction.",
        ),
    ),
    presets=(
        Preset("power-best", "block Krylov until it has converged, 12 vectors, several prompts"),
        Preset(
            "power-published",
            "Power Steering: blocks 7 → L−8, one prompt, last 2 tokens, 12 vectors, 15 rounds of block iteration; "
            "pushed at norms of 5 to 50 on a 14B model",
            # The published block is as wide as the vectors; Rayleigh–Ritz at the end is ours in either case.
            {"vectors": 12, "target_tokens": 2, "solver": "subspace", "block": 12, "steps": 15, "tolerance": 1e-6},
            layers=_published_layers,
            prompts=1,
        ),
    ),
    passes=_passes,
    check=_check,
    reads_all=lambda request: request.settings.metric != METRICS[0],
    run="playground.methods.power.run:run",
    rank=10,
)  # fmt: skip
