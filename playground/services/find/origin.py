"""Origin of vectors that a request found on a model, for sets and atlases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.library.origin import Origin, library_versions, now
from playground.library.prompts import content_hash
from playground.methods.base.request import FindRequest
from playground.model.chat_template import reads_date
from playground.model.load import LoadedModel


def origin_of(
    loaded: LoadedModel,
    request: FindRequest,
    *,
    target_tokens: int | None,
    parameters: Mapping[str, Any],
    residual_norm: float,
    converged: bool | None,
    seconds: float,
) -> Origin:
    """What is common comes from the model and the request; `parameters` are added to those that every method has."""
    common: dict[str, object] = {"vectors": request.vectors, "dtype": str(loaded.dtype).removeprefix("torch.")}
    if request.format.chat:
        common["thinking"] = request.format.thinking
        if reads_date(loaded):
            common["date"] = request.format.date
    if request.sample_seed is not None:
        common["sample_seed"] = request.sample_seed
    if request.balance:
        common["balance"] = True
    return Origin(
        model=loaded.name,
        revision=loaded.revision,
        fingerprint=loaded.fingerprint,
        width=loaded.width,
        block_count=loaded.block_count,
        source=request.source,
        target=request.target,
        target_tokens=target_tokens,
        method=request.method,
        parameters=common | dict(parameters),
        seed=request.seed,
        prompts=request.prompts,
        prompt_set=request.prompt_set,
        prompt_hash=content_hash(request.prompts),
        chat=request.format.chat,
        system=request.format.system,
        residual_norm=residual_norm,
        converged=converged,
        seconds=seconds,
        versions=library_versions(),
        created=now(),
    )
