"""MELBO: pushes of one norm that move the residual stream at the target as far as they can."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import Tensor

from playground.core import krylov
from playground.core.melbo import MelboResult, iterate
from playground.errors import Cancelled
from playground.model.layer_slice import LayerSlice
from playground.services.find import settings
from playground.services.find.context import PREPARE_SHARE, Context, Found

START = "random"
"""Where vectors start when the request leaves it open."""


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step, InputError for a start that
    cannot be used.
    """
    request = context.request
    layer_slice = context.layer_slice(request.target_tokens)
    chosen = settings.melbo(request, layer_slice.residual_norm)
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
