"""Continuing a vector set: the request it was found with, out of its file, and whether a request continues it."""

from __future__ import annotations

from typing import Any

from playground.errors import InputError
from playground.library.text import listed
from playground.library.vector_set import VectorSet
from playground.methods.base.method import Continues, Method
from playground.methods.base.registry import called, registered
from playground.methods.base.request import FindRequest, find_request
from playground.model.load import LoadedModel
from playground.services.set_prompts import format_of


def settings_in(so_far: VectorSet) -> dict[str, Any]:
    """Settings of the method in a set's file, by name. Raises InputError for a set that cannot be continued."""
    method, _ = _continuable(so_far)
    parameters = so_far.origin.parameters
    return {name: parameters[name] for name in method.options if name in parameters}


def continued(so_far: VectorSet, vectors: int, **changes: Any) -> FindRequest:
    """The request that continues `so_far` until it has `vectors` rows in all: prompts, layers and settings out of
    its file, but for `changes` (settings of the method). Raises InputError for a set that cannot be continued.
    """
    origin = so_far.origin
    values = settings_in(so_far) | changes
    return find_request(
        origin.method,
        prompts=origin.prompts,
        source=origin.source,
        target=origin.target,
        format=format_of(origin),
        prompt_set=origin.prompt_set,
        sample_seed=origin.parameters.get("sample_seed"),
        balance=bool(origin.parameters.get("balance", False)),
        seed=origin.seed or 0,
        target_tokens=origin.target_tokens,
        read_sinks=_reads_sinks(so_far),
        vectors=vectors,
        **values,
    )


def first_rows(so_far: VectorSet, count: int) -> VectorSet:
    """The set with its first `count` rows only, to be continued from there. Raises InputError."""
    _continuable(so_far)
    if not 1 <= count <= so_far.rows:
        raise InputError(
            f"Expected to go on after 1 to {so_far.rows} rows, those that the set has, got {count}; choose one of them."
        )
    return so_far.take(range(count))


def check_continues(so_far: VectorSet, request: FindRequest, loaded: LoadedModel) -> None:
    """Raises InputError unless a run of `request` on this model continues `so_far`."""
    method, continues = _continuable(so_far)
    if request.method != method.name:
        raise InputError(f"Expected {method.name} to go on with its set, got {request.method}; leave the set out.")
    fixed = [name for name in method.options if name not in continues.may_change]
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
        *((f"the {name}", origin.parameters.get(name), getattr(request.settings, name)) for name in fixed),
        ("the tokens that are read", read, (request.target_tokens, request.read_sinks)),
    ):
        if before != now:
            raise InputError(f"Expected {what} of the set to go on with, got others; take them from its file.")
    if request.k <= so_far.rows:
        raise InputError(
            f"Expected more vectors in all than the {so_far.rows} that the set has, got {request.vectors}; "
            "ask for more."
        )


def _continuable(so_far: VectorSet) -> tuple[Method, Continues]:
    """The method of a set that can be continued. Raises InputError for others."""
    method = registered().get(so_far.origin.method)
    continues = None if method is None else method.continues
    if method is None or continues is None or any(getattr(so_far, name) is None for name in continues.needs):
        able = listed(one.name for one in registered().values() if one.continues is not None)
        raise InputError(
            f"Expected a set of {able} to go on with, got one of {called(so_far.origin.method)}; choose one that "
            f"{able} found."
        )
    return method, continues


def _reads_sinks(so_far: VectorSet) -> bool:
    """Whether sinks were read where all positions are. In files without the field, of earlier versions, they were."""
    return so_far.origin.target_tokens is None and so_far.origin.parameters.get("sinks", "read") == "read"
