"""Deep causal transcoding (DCT): factors of the displacement between two layers (A. Mack, 2024)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from playground.core.settings import DCT_FORMS, DctSettings
from playground.errors import Cancelled
from playground.methods.base.method import GRADIENT, PRODUCT, Column, Figure, Method, Preset, Reads, of_depth
from playground.methods.base.radius import absolute_setting, asked_radius, check_one_radius, relative_setting
from playground.methods.base.setting import check_settings, setting

if TYPE_CHECKING:
    from playground.methods.base.context import Context, Found
    from playground.methods.base.request import FindRequest
    from playground.model.cut.layer_slice import LayerSlice

RELATIVE_RADII = (0.01, 0.5)
"""Ends of the radius, in reference norms, when none is given. Published radii have no end; on the organism the
deviation is one half at 1.4, and exponential factors found there write noise.
"""
PUSHES = 8
"""Random directions that the radius is found with: 30 as published give it within 5 % on the organism and SmolLM2."""


@dataclass(frozen=True)
class Settings:
    """`form` of the factors; `relative_radius` in reference norms, or `radius` (neither: found on the model); `steps`
    at most.
    """

    form: str = setting(
        DctSettings.form, "choice", "form", choices=DCT_FORMS, label="Form", basic=True,
        help="what a factor is a function of its direction: exponential, by gradients at the radius, or quadratic, by "
        f"second derivatives at 0 ({DctSettings.form})",
        info="exponential looks at the radius and tells ±v apart, quadratic at the curvature",
    )
    relative_radius: float | None = relative_setting(
        placeholder="calibrated",
        help="norm of every direction in reference norms (medians) of the residual stream at the source (that at which "
        "random pushes are off the Jacobian by half, at most 0.5)",
        info="norm of every vector; empty: where random pushes are off the Jacobian by half",
    )
    radius: float | None = absolute_setting()
    steps: int = setting(
        DctSettings.steps, "whole", "number of steps", least=1, limit="steps", label="Steps at most", basic=True,
        help=f"at most this many steps ({DctSettings.steps}); it stops when directions stand still",
        info="fewer when directions stand still",
    )

    def __post_init__(self) -> None:
        check_settings(self)
        check_one_radius(self)


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step ended, InputError when nothing
    moves the target.
    """
    from playground.core.dct import DctResult, iterate
    from playground.core.geometry import cosines
    from playground.methods.base.context import PREPARE_SHARE, Found

    request = context.request
    layer_slice = context.layer_slice(request.last_tokens)
    radius, radius_from = _radius(context, layer_slice)
    context.tell("prepare", PREPARE_SHARE)
    chosen = DctSettings(radius, request.k, request.settings.form, request.settings.steps, request.seed)
    result = None
    for event in iterate(layer_slice, chosen, context.cancelled):
        if isinstance(event, DctResult):
            result = event
        else:
            state = f"sum of importance {float(event.objective.sum()):.4g} · turned by {event.change:.2g}"
            context.tell_step(event, values={"objective": event.objective}, state=state)
    if result is None or not len(result.vectors):
        raise Cancelled("stopped before the first step ended")
    relative = radius / layer_slice.residual_norm
    parameters: dict[str, Any] = asdict(chosen) | {
        "relative_radius": relative,
        "radius_from": radius_from,
        "steps_done": result.steps,
        "stood_still": result.converged,
    }
    del parameters["seed"]  # it has a field of its own
    values = {"strengths": result.strengths, "objective": result.objective}
    if result.displacement is not None:
        values["displacements"] = result.displacement
    alike = cosines(result.vectors, result.vectors).abs().fill_diagonal_(0)
    said = "" if result.finite else f"Stopped after step {result.steps}, where the numbers cease to be finite. "
    if result.finite and not result.cancelled:
        said = "The directions stand still. " if result.converged else "The directions still turn. "
    return Found(
        vectors=result.vectors,
        residual_norm=layer_slice.residual_norm,
        target_tokens=request.last_tokens,
        parameters=parameters | context.sinks(layer_slice.sinks),
        values=values,
        steps=result.steps,
        cancelled=result.cancelled,
        note=f"{said}Radius {radius:.3g}, relative {relative:.2g}; largest |cosine| between two vectors "
        f"{float(alike.max()):.2f}.",
    )


def _radius(context: Context, layer_slice: LayerSlice) -> tuple[float, str]:
    """The radius, and where it is from: "request", or "calibrated".

    Always along the same directions, so that the radius does not change with the request's seed.
    """
    from playground.core.contrast import random_directions
    from playground.core.dct import dct_radius

    own, norm = context.request.settings, layer_slice.residual_norm
    asked = asked_radius(own, norm)
    if asked is not None:
        return asked, "request"
    units = random_directions(PUSHES, layer_slice.width, seed=0)
    least, most = (relative * norm for relative in RELATIVE_RADII)
    try:
        return dct_radius(layer_slice, units, least, most, context.cancelled), "calibrated"
    except Cancelled:
        raise Cancelled("stopped before the first step ended") from None


def _passes(request: FindRequest) -> float:
    # Both signs and a gradient a step, or second derivatives (measured: 6 passes on SmolLM2, 13 to 18 on the organism).
    step = 2 + GRADIENT if request.settings.form == DCT_FORMS[0] else _CURVATURE
    return float(request.k * request.settings.steps * step + _PROJECTIONS * GRADIENT + PUSHES * (PRODUCT + _TRIES))


_CURVATURE, _PROJECTIONS, _TRIES = 12, 32, 5  # as a rule, of the radius

METHOD = Method(
    name="dct",
    label="DCT",
    called="DCT",
    summary="DCT: shallow factors of what pushes do at a later layer",
    description="Factors of the map from a push at the source layer to the mean displacement at the target layer, each "
    "an\nexponential or a square of one direction (deep causal transcoding). All are fitted together, and need not be\n"
    "orthogonal in the end. The radius, where none is given, is that at which random pushes are off the Jacobian by "
    "half,\nor half the median norm of the residual stream at the source.",
    about="Shallow factors of what pushes do at a later layer, fitted together; they may lean towards each other.",
    source="Deep causal transcoding (A. Mack, 2024)",
    settings=Settings,
    reads=Reads(
        target=True, tokens=2, help="read the effect as the mean over the last K tokens of each prompt, or all (2)"
    ),
    seed="seed of the projections at the target that it starts from",
    norm="given",
    values=(
        Column("strengths", "strength α", "α"),
        Column("objective", "importance", "importance", "importance {:.3g}"),
        Column("displacements", "displacement", "displacement", "moves {:.3g}"),
    ),
    figures=(
        Figure("lines", "Fit", "objective", "causal importance"),
        Figure(
            "bars", "Importance", "objective", "causal importance",
            wait="How far each factor moves the mean at the target layer comes here.",
        ),
    ),
    presets=(
        Preset("dct-best", "exponential factors at the calibrated radius, 10 steps"),
        Preset(
            "dct-published",
            "DCT: blocks 10 → 20 of 32, in proportion; last 3 tokens, 10 steps, calibrated radius; it fitted 512 "
            "factors to 8 or 12 prompts",
            {"target_tokens": 3, "steps": 10},
            layers=of_depth(10, 20, 32),
        ),
    ),
    passes=_passes,
    cost=("steps",),
    at_most=True,
    run="playground.methods.dct:run",
    rank=25,
)  # fmt: skip
