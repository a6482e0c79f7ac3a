"""Going on with a set of ortho: the request it came from, out of its file, and whether a request fits it."""

from __future__ import annotations

from typing import Any

from playground.errors import InputError
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.find.request import FindRequest
from playground.services.set_prompts import format_of

SETTINGS = ("learning_rate", "batch", "steps", "penalty", "stop_share")
"""Settings that a continued run takes from the file and may change."""


def continued(so_far: VectorSet, vectors: int, **changes: Any) -> FindRequest:
    """The request that goes on with `so_far` until it has `vectors` rows in all: prompts, layers, base and settings out
    of its file, but for `changes` (fields of FindRequest). Raises InputError for a set that cannot be continued.
    """
    origin = so_far.origin
    _check_kind(so_far)
    values: dict[str, Any] = {
        "prompts": origin.prompts,
        "source": origin.source,
        "target": origin.target,
        "format": format_of(origin),
        "prompt_set": origin.prompt_set,
        "sample_seed": origin.parameters.get("sample_seed"),
        "balance": bool(origin.parameters.get("balance", False)),
        "seed": origin.seed or 0,
        "base": origin.parameters.get("base"),
        "target_tokens": origin.target_tokens,
        "read_sinks": _reads_sinks(so_far),
    }
    values |= {name: origin.parameters[name] for name in SETTINGS if name in origin.parameters}
    return FindRequest(method="ortho", vectors=vectors, **(values | changes))


def first_rows(so_far: VectorSet, count: int) -> VectorSet:
    """The set as it was when it had its first `count` rows, to be gone on with from there. Raises InputError."""
    _check_kind(so_far)
    if not 1 <= count <= so_far.rows:
        raise InputError(
            f"Expected to go on after 1 to {so_far.rows} rows, those that the set has, got {count}; choose one of them."
        )
    return so_far.take(range(count))


def check_continues(so_far: VectorSet, request: FindRequest, loaded: LoadedModel) -> None:
    """Raises InputError unless a run of `request` on this model goes on with `so_far`."""
    _check_kind(so_far)
    origin, read = so_far.origin, (so_far.origin.target_tokens, _reads_sinks(so_far))
    if origin.fingerprint != loaded.fingerprint or origin.width != loaded.width:
        raise InputError(
            f"Expected a set of this model ({loaded.name}) to go on with, got one made on {origin.model}; "
            "load that model, or start a set of its own."
        )
    for what, before, now in (
        ("the prompts", origin.prompts, request.prompts),
        ("the layers", (origin.source, origin.target), (request.source, request.target)),
        ("the prompt format", format_of(origin), request.format),
        ("the base", origin.parameters.get("base"), request.base),
        ("the tokens that are read", read, (request.target_tokens, request.read_sinks)),
    ):
        if before != now:
            raise InputError(f"Expected {what} of the set to go on with, got others; take them from its file.")
    if request.vectors <= so_far.rows:
        raise InputError(
            f"Expected more vectors in all than the {so_far.rows} that the set has, got {request.vectors}; "
            "ask for more."
        )


def _check_kind(so_far: VectorSet) -> None:
    if so_far.origin.method != "ortho" or any(
        getattr(so_far, name) is None for name in ("base", "objective", "effects", "divergences")
    ):
        raise InputError(
            f"Expected a set of ortho to go on with, got one of {so_far.origin.method}; choose one that ortho found."
        )


def _reads_sinks(so_far: VectorSet) -> bool:
    """Whether sinks were read where all positions are. Files of earlier versions do not say: there they were."""
    return so_far.origin.target_tokens is None and so_far.origin.parameters.get("sinks", "read") == "read"
