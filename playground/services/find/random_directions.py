"""Random directions: the baseline every other method is judged against, drawn for the same prompts and layers."""

from __future__ import annotations

from playground.core.contrast import random_directions
from playground.model.activations import residual_streams
from playground.services.find.context import Context, Found


def run(context: Context) -> Found:
    """Unit rows from the request's seed; the prompts give them a relative scale. Raises Cancelled."""
    request, loaded = context.request, context.loaded
    streams = residual_streams(loaded, context.encoded, request.source, 1, context.cancelled)
    return Found(
        vectors=random_directions(request.vectors, loaded.width, request.seed), residual_norm=streams.reference_norm
    )
