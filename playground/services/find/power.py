"""Power iteration: the top right singular vectors of the layer-to-layer Jacobian."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from playground.core.krylov import Spectrum, iterate
from playground.core.metric import diagonal
from playground.errors import Cancelled
from playground.services.find import settings
from playground.services.find.context import Context, Found


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step ended, InputError for recipes
    that cannot be used and for a metric that is singular.
    """
    request, chosen = context.request, settings.krylov(context.request)
    start_recipe, steered = request.recipe("start"), request.recipe("theta0")
    start = None if start_recipe is None else context.vector_of(start_recipe, "a start").vector[None]
    pushes = () if steered is None else context.pushes(steered, "a steered point")
    layer_slice = context.layer_slice(request.target_tokens, pushes)
    operator = layer_slice.jacobian(**_output_space(context, layer_slice))
    more = {} if start is None else {"start": start}
    spectrum = None
    for event in iterate(operator, chosen, context.cancelled, **more):
        if isinstance(event, Spectrum):
            spectrum = event
        else:
            context.tell_step(event, singular_values=event.singular_values, residuals=event.residuals)
    if spectrum is None or not len(spectrum.singular_values):
        raise Cancelled("stopped before the first step ended")
    values = {"singular_values": spectrum.singular_values}
    # A run stopped in its first step has no residuals yet, and a file holds numbers only.
    if bool(spectrum.residuals.isfinite().all()):
        values["residuals"] = spectrum.residuals
    parameters: dict[str, Any] = asdict(chosen) | {
        "steps_done": spectrum.steps,
        "products": spectrum.products,
        "subspaces": [list(rows) for rows in spectrum.subspaces],
    }
    del parameters["seed"]  # it has a field of its own
    reads_all = request.target_tokens is None or request.metric != "identity"
    parameters |= context.sinks(layer_slice.sinks, reads_all)
    for name in ("start", "theta0", "weights"):
        if getattr(request, name) is not None:
            parameters[name] = getattr(request, name)
    if request.metric != "identity":
        parameters["metric"] = request.metric
    return Found(
        vectors=spectrum.vectors,
        residual_norm=layer_slice.residual_norm,
        target_tokens=request.target_tokens,
        parameters=parameters,
        values=values,
        converged=spectrum.converged,
        spectrum=spectrum,
        steps=spectrum.steps,
        cancelled=not spectrum.converged and context.cancelled(),
    )


def _output_space(context: Context, layer_slice: Any) -> dict[str, Any]:
    """How much positions and entries of the residual stream at the target count."""
    request, options = context.request, {}
    if request.weights is not None:
        options["weights"] = torch.tensor(request.weights)
    if request.metric != "identity":
        options["metric"] = diagonal(request.metric, layer_slice.target_variance())
    return options
