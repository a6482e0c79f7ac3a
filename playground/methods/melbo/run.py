"""MELBO: pushes of one norm that move the residual stream at the target as far as they can."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor

from playground.core import krylov
from playground.core.contrast import random_directions
from playground.core.linear_radius import linear_radius
from playground.core.melbo import MelboResult, iterate
from playground.core.settings import KrylovSettings
from playground.errors import Cancelled
from playground.methods.base.context import PREPARE_SHARE, Context, Found
from playground.methods.base.radius import asked_radius
from playground.methods.melbo import RELATIVE_RADII, melbo
from playground.model.cut.layer_slice import LayerSlice

PUSHES = 4
"""Random directions that MELBO's radius is found with when none is given."""
START = "random"
"""Where vectors start when the request leaves it open."""


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step, InputError for a start that
    cannot be used.
    """
    request = context.request
    tokens = request.last_tokens
    layer_slice = context.layer_slice(tokens)
    radius, radius_from = _radius(context, layer_slice)
    chosen = melbo(request, radius)
    start, share = _start(context, layer_slice)
    result = None
    for event in iterate(layer_slice, chosen, start, context.cancelled):
        if isinstance(event, MelboResult):
            result = event
        else:
            values = {"objective": event.objective, "displacements": event.displacement}
            state = f"mean displacement {float(event.displacement.mean()):.4g}"
            context.tell_step(event, share, values=values, state=state)
    if result is None or not len(result.vectors):
        raise Cancelled("stopped before the first step")
    parameters: dict[str, Any] = asdict(chosen) | {
        "learning_rate": chosen.rate(layer_slice.width),
        "relative_radius": chosen.radius / layer_slice.residual_norm,
        "radius_from": radius_from,
        "start": request.settings.start or START,
        "steps_done": result.steps,
    }
    del parameters["seed"]  # it has a field of its own
    parameters |= context.sinks(layer_slice.sinks)
    return Found(
        vectors=result.vectors,
        residual_norm=layer_slice.residual_norm,
        target_tokens=tokens,
        parameters=parameters,
        values={"objective": result.objective, "displacements": result.displacement},
        steps=result.steps,
        cancelled=result.cancelled,
        note=("" if result.finite else f"Stopped after step {result.steps}, where the effect ceases to be finite. ")
        + f"Radius {chosen.radius:.3g}, relative {chosen.radius / layer_slice.residual_norm:.2g}; largest "
        f"displacement {float(result.displacement.max()):.3g}.",
    )


def _radius(context: Context, layer_slice: LayerSlice) -> tuple[float, str]:
    """The radius, and where it is from: "request"; "linearity": where random pushes cease to do what the Jacobian says.

    Always the same directions are pushed along, so that the radius does not change with the request's seed.
    """
    own, norm = context.request.settings, layer_slice.residual_norm
    asked = asked_radius(own, norm)
    if asked is not None:
        return asked, "request"
    least, most = (relative * norm for relative in RELATIVE_RADII)
    units = random_directions(PUSHES, layer_slice.width, seed=0)
    try:
        found = linear_radius(layer_slice, layer_slice.jacobian(), units, least, most, context.cancelled)
    except Cancelled:
        raise Cancelled("stopped before the first step") from None
    return found, "linearity"


def _start(context: Context, layer_slice: LayerSlice) -> tuple[Tensor | None, float]:
    """Directions (j, d) to start from, None for random ones, and the share of the work that is done then."""
    request = context.request
    recipe, named = request.recipes().get("start"), request.settings.start or START
    if recipe is not None:
        return context.vector_of(recipe, "a start").vector[None], PREPARE_SHARE
    if named == "random":
        return None, PREPARE_SHARE
    settings = KrylovSettings(request.k, seed=request.seed)
    *_, spectrum = krylov.iterate(layer_slice.jacobian(), settings, context.cancelled)
    if context.cancelled() or not isinstance(spectrum, krylov.Spectrum):
        raise Cancelled("stopped before the first step")
    context.tell("prepare", 2 * PREPARE_SHARE)
    return spectrum.vectors, 2 * PREPARE_SHARE
