"""Random directions: the baseline every other method is judged against, drawn for the same prompts and layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.methods.base.method import Count, Method, Preset

if TYPE_CHECKING:
    from playground.methods.base.context import Context, Found


def run(context: Context) -> Found:
    """Unit rows from the request's seed; the prompts give them a relative scale. Raises Cancelled."""
    from playground.core.contrast import random_directions
    from playground.methods.base.context import Found
    from playground.model.activations import residual_streams

    request, loaded = context.request, context.loaded
    streams = residual_streams(loaded, context.encoded, request.source, 1, context.cancelled)
    return Found(
        vectors=random_directions(request.k, loaded.width, request.seed),
        residual_norm=streams.reference_norm,
        note="Random directions have no singular values; they are a control of equal norm.",
    )


METHOD = Method(
    name="random",
    label="Random baseline",
    called="random",
    summary="random directions, the baseline",
    description="Directions drawn at random, with norm 1, kept like any others: the baseline that findings are judged "
    "against.",
    about="Random directions: the control that every finding is judged against.",
    count=Count(),
    seed="seed of the draw",
    presets=(Preset("random", "directions of equal norm, drawn from the seed"),),
    passes=lambda request: 0.0,
    run="playground.methods.random:run",
    rank=60,
)
