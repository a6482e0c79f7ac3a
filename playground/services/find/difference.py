"""Mean difference: residual streams where a behaviour shows minus those where it does not (Rimsky et al., 2024)."""

from __future__ import annotations

from typing import Any

import torch

from playground.core.contrast import mean_difference
from playground.model.activations import residual_streams
from playground.model.prompting import Encoded, encode
from playground.model.reading.answers import with_answers
from playground.model.reference import median
from playground.services.find.context import Context, Found


def run(context: Context) -> Found:
    """One direction, in the norm that the means give it: adding it once turns one mean into the other.

    Between two lists of prompts each prompt is read at its last K tokens, averaged. Of a choice item the prompt is read
    with either answer after it, at the token that tells the answer from the other one (`with_answers`), so that the two
    sides differ in nothing else. Raises Cancelled, and InputError when both sides are the same.
    """
    request = context.request
    context.tell("prepare", 0.1)
    positive, negative = _sides(context)
    last = 1 if request.answers else request.target_tokens
    streams = []
    for share, side in ((0.5, positive), (0.9, negative)):
        streams.append(
            residual_streams(context.loaded, side, request.source, last, context.cancelled, request.read_sinks)
        )
        context.tell("prepare", share)
    parameters: dict[str, Any] = {"vectors": 1}
    if request.answers:
        parameters["answers"] = [list(pair) for pair in request.answers]
    else:
        parameters["against"] = list(request.against)
    parameters |= context.sinks(sum(stream.sinks for stream in streams), last is None)
    return Found(
        vectors=mean_difference(streams[0].means, streams[1].means),
        residual_norm=median(torch.cat([stream.norms for stream in streams])),
        target_tokens=None if request.answers else request.target_tokens,
        parameters=parameters,
    )


def _sides(context: Context) -> tuple[Encoded, Encoded]:
    request, loaded = context.request, context.loaded
    if request.answers:
        return with_answers(loaded, request.prompts, request.format, context.encoded, request.answers)
    return context.encoded, encode(loaded, request.against, request.format)
