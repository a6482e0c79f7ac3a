"""MELBO: pushes of one norm that move the residual stream at the target as far as they can."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor

from playground.core import krylov
from playground.core.contrast import random_directions
from playground.core.linear_radius import linear_radius
from playground.core.melbo import MelboResult, iterate
from playground.errors import Cancelled
from playground.model.cut.layer_slice import LayerSlice
from playground.services.find import settings
from playground.services.find.context import PREPARE_SHARE, Context, Found

PUSHES = 4
"""Random directions that MELBO's radius is found with when none is given."""
START = "random"
"""Where vectors start when the request leaves it open."""


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step, InputError for a start that
    cannot be used.
    """
    request = context.request
    layer_slice = context.layer_slice(request.target_tokens)
    radius, radius_from = _radius(context, layer_slice)
    chosen = settings.melbo(request, radius)
    start, share = _start(context, layer_slice)
    result = None
    for event in iterate(layer_slice, chosen, start, context.cancelled):
        if isinstance(event, MelboResult):
            result = event
        else:
            context.tell_step(event, share, objective=event.objective, displacement=event.displacement)
    if result is None or not len(result.vectors):
        raise Cancelled("stopped before the first step")
    parameters: dict[str, Any] = asdict(chosen) | {
        "learning_rate": chosen.rate(layer_slice.width),
        "relative_radius": chosen.radius / layer_slice.residual_norm,
        "radius_from": radius_from,
        "start": request.start or START,
        "steps_done": result.steps,
    }
    del parameters["seed"]  # it has a field of its own
    parameters |= context.sinks(layer_slice.sinks, request.target_tokens is None)
    return Found(
        vectors=result.vectors,
        residual_norm=layer_slice.residual_norm,
        target_tokens=request.target_tokens,
        parameters=parameters,
        values={"objective": result.objective, "displacements": result.displacement},
        steps=result.steps,
        cancelled=result.cancelled,
    )


def _radius(context: Context, layer_slice: LayerSlice) -> tuple[float, str]:
    """The radius, and where it is from: "request"; "linearity": where random pushes cease to do what the Jacobian says.

    Always the same directions are pushed along, so that the radius does not change with the request's seed.
    """
    request, norm = context.request, layer_slice.residual_norm
    if request.radius is not None:
        return request.radius, "request"
    if request.relative_radius is not None:
        return request.relative_radius * norm, "request"
    least, most = (relative * norm for relative in settings.RELATIVE_RADII)
    units = random_directions(PUSHES, layer_slice.width, seed=0)
    try:
        found = linear_radius(layer_slice, layer_slice.jacobian(), units, least, most, context.cancelled)
    except Cancelled:
        raise Cancelled("stopped before the first step") from None
    return found, "linearity"


def _start(context: Context, layer_slice: LayerSlice) -> tuple[Tensor | None, float]:
    """Directions (j, d) to start from, None for random ones, and the share of the work that is done then."""
    request = context.request
    recipe, named = request.recipe("start"), request.start or START
    if recipe is not None:
        return context.vector_of(recipe, "a start").vector[None], PREPARE_SHARE
    if named == "random":
        return None, PREPARE_SHARE
    *_, spectrum = krylov.iterate(layer_slice.jacobian(), settings.krylov(request), context.cancelled)
    if context.cancelled():
        raise Cancelled("stopped before the first step")
    context.tell("prepare", 2 * PREPARE_SHARE)
    return spectrum.vectors, 2 * PREPARE_SHARE
