"""Power iteration: the top right singular vectors of the layer-to-layer Jacobian."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from playground.core.krylov import Spectrum, iterate
from playground.core.metric import diagonal
from playground.core.settings import METRICS
from playground.errors import Cancelled
from playground.methods.base.context import Context, Found
from playground.methods.power import krylov


def run(context: Context) -> Found:
    """As the request says. Raises Cancelled when it is stopped before the first step ended, InputError for recipes
    that cannot be used and for a metric that is singular.
    """
    request, own, chosen = context.request, context.request.settings, krylov(context.request)
    recipes = request.recipes()
    start = context.vector_of(recipes["start"], "a start").vector[None] if "start" in recipes else None
    pushes = context.pushes(recipes["theta0"], "a steered point") if "theta0" in recipes else ()
    layer_slice = context.layer_slice(request.last_tokens, pushes)
    operator = layer_slice.jacobian(**_output_space(context, layer_slice))
    more = {} if start is None else {"start": start}
    spectrum = None
    for event in iterate(operator, chosen, context.cancelled, **more):
        if isinstance(event, Spectrum):
            spectrum = event
        else:
            found, state = {"singular_values": event.singular_values, "residuals": event.residuals}, _state(event)
            context.tell_step(event, values=found, state=state)
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
    parameters |= context.sinks(layer_slice.sinks)
    for name in ("start", "theta0", "weights"):
        if getattr(own, name) is not None:
            parameters[name] = getattr(own, name)
    if own.metric != METRICS[0]:
        parameters["metric"] = own.metric
    return Found(
        vectors=spectrum.vectors,
        residual_norm=layer_slice.residual_norm,
        target_tokens=request.last_tokens,
        parameters=parameters,
        values=values,
        converged=spectrum.converged,
        steps=spectrum.steps,
        cancelled=not spectrum.converged and context.cancelled(),
        note=_note(spectrum),
    )


def _state(event: Any) -> str:
    return f"σ₁ {float(event.singular_values[0]):.4g} · largest residual {float(event.residuals.max()):.2g}"


def _note(spectrum: Spectrum) -> str:
    """What is to be said of the result: whether it converged, and where only a subspace is determined."""
    if not spectrum.finite:
        return f"Stopped after step {spectrum.steps}, where the model's numbers cease to be finite; values may be off."
    said = "Converged" if spectrum.converged else "Not converged, values may be off: paler bars are above the tolerance"
    groups = [f"{first}–{end - 1}" for first, end in spectrum.subspaces if end - first > 1]
    if groups:
        said += f"; {', '.join(groups)} lie within 5 % of each other: there only the subspace is determined"
    return said + "."


def _output_space(context: Context, layer_slice: Any) -> dict[str, Any]:
    """How much positions and entries of the residual stream at the target count."""
    own = context.request.settings
    options: dict[str, Any] = {}
    if own.weights is not None:
        options["weights"] = torch.tensor(own.weights)
    if own.metric != METRICS[0]:
        options["metric"] = diagonal(own.metric, layer_slice.target_variance())
    return options
