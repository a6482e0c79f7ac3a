"""Residual streams of the two sides of a request: prompts against prompts, or answers against answers."""

from __future__ import annotations

from typing import Any

from playground.methods.base.context import Context
from playground.methods.base.request import FindRequest
from playground.model.activations import ResidualStreams, residual_streams
from playground.model.prompting import encode
from playground.model.reading.answers import with_answers


def read_sides(context: Context) -> tuple[ResidualStreams, ResidualStreams]:
    """The side that shows the behaviour and the other one, at the source layer.

    Prompts are averaged over their last K tokens. Of a choice item the prompt is read with either answer after it, at
    the token that tells them apart, so that the sides differ in nothing else. Raises Cancelled.
    """
    request, loaded = context.request, context.loaded
    context.tell("prepare", 0.1)
    if request.answers:
        both = with_answers(loaded, request.prompts, request.format, context.encoded, request.answers)
    else:
        both = (context.encoded, encode(loaded, request.against, request.format))
    last = 1 if request.answers else request.last_tokens
    streams = []
    for share, side in zip((0.5, 0.9), both, strict=True):
        streams.append(residual_streams(loaded, side, request.source, last, context.cancelled, request.read_sinks))
        context.tell("prepare", share)
    return streams[0], streams[1]


def sides_parameters(request: FindRequest) -> dict[str, Any]:
    """What a file says of the other side."""
    if request.answers:
        return {"answers": [list(pair) for pair in request.answers]}
    return {"against": list(request.against)}
