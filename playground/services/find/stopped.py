"""Request that repeats a run which was stopped, as far as it came."""

from __future__ import annotations

from dataclasses import replace

from playground.methods.base.progress import FindResult
from playground.methods.base.request import FindRequest


def as_far_as(request: FindRequest, result: FindResult) -> FindRequest:
    """The request that ends where the run ended that a cancel stopped; the request itself for any other run.

    A method that works batch by batch is asked for the vectors there are, another one for the steps that were made. The
    result is the same, but for a batch that was cut short and for restarts, of which fewer steps choose earlier.
    """
    if not result.cancelled:
        return request
    if request.by.continues is not None:
        return replace(request, vectors=result.vector_set.rows)
    if "steps" in request.by.options and result.steps > 0:
        return replace(request, settings=replace(request.settings, steps=result.steps))
    return request
