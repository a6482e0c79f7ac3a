"""Finding directions: from a request to a vector set with its origin."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from playground.core.edit import clamps_of, pushes_of
from playground.core.push import Push
from playground.core.time_to_go import Left
from playground.errors import InputError
from playground.library.mix import LoadSet, mix
from playground.library.origin import label_note
from playground.library.recipe import Recipe
from playground.library.vector_set import TENSORS, VectorSet
from playground.methods.base.context import Context, Found
from playground.methods.base.progress import FindProgress, FindResult
from playground.methods.base.request import FindRequest
from playground.model.adapter import short_name
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel, is_organism
from playground.services import recent
from playground.services.find.continuing import check_continues
from playground.services.find.origin import origin_of


@within_memory
@interrupts_passes
def find(
    loaded: LoadedModel,
    request: FindRequest,
    emit: Callable[[FindProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    load_set: LoadSet | None = None,
    keep: Callable[[VectorSet], None] | None = None,
    so_far: VectorSet | None = None,
) -> FindResult:
    """Find directions on this model.

    `load_set` gives the sets that recipes of the request name. `keep` is called with all rows so far after every
    batch of a method that works in batches, so that it can be written at once; `so_far` is a set to continue (same
    model, prompts, layers and base): the result holds its rows and the new ones.

    A cancel returns the rows so far (`converged` is False in its origin, where the method converges); before there is
    anything it raises Cancelled. Raises InputError as `FindRequest.check` does, and for recipes that cannot be used;
    FileError for sets that are missing or of another width; ModelError when memory runs out.
    """
    recent.ran(request)
    begun = time.perf_counter()
    if so_far is not None:
        check_continues(so_far, request, loaded)

    def kept(found: Found) -> None:
        if keep is not None:
            keep(_vector_set(loaded, request, found, time.perf_counter() - begun, so_far))

    def pushes(recipe: Recipe, what: str) -> tuple[Push, ...]:
        return _pushes(loaded, recipe, what, load_set)

    emit(FindProgress("encode", 0, 0, time.perf_counter() - begun, 0.0, None))
    encoded = request.encode(loaded)
    ready = Context(loaded, request, encoded, emit, cancelled, pushes, kept, so_far, begun)
    ready.tell("prepare", 0.01)
    found = request.by.starter()(ready)
    seconds = time.perf_counter() - begun
    vector_set = _vector_set(loaded, request, found, seconds, so_far)
    values = {name: values for name in TENSORS if (values := getattr(vector_set, name)) is not None}
    values["norms"] = vector_set.native_norms
    ready.tell("done", 1.0, found.steps, found.steps, Left(0.0), values=values, marks=found.marks)
    return FindResult(vector_set, seconds, found.cancelled, found.steps, found.stopped, found.note, found.marks)


def suggest_name(request: FindRequest, loaded: LoadedModel) -> str:
    """A name for the set, of its prompts, method and layers, such as "refusals-power-3-9"."""
    prompts = request.prompt_set or ("prompt" if len(request.prompts) == 1 else f"{len(request.prompts)}-prompts")
    layers = [request.source] if request.target is None else [request.source, request.target]
    words = [prompts, request.method, *map(str, layers)]
    if not is_organism(loaded):
        words.insert(0, short_name(loaded.name).removesuffix(".gguf"))
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    return slug[-80:].strip("-")


def _vector_set(
    loaded: LoadedModel, request: FindRequest, found: Found, seconds: float, so_far: VectorSet | None
) -> VectorSet:
    if so_far is not None:
        seconds += so_far.origin.seconds or 0.0
    new = VectorSet(
        vectors=found.vectors,
        origin=origin_of(
            loaded, request, target_tokens=found.target_tokens, parameters=found.parameters,
            residual_norm=found.residual_norm, converged=found.converged, seconds=seconds,
        ),
        **{name: values for name, values in found.values.items() if name in TENSORS},
        others={name: values for name, values in found.values.items() if name not in TENSORS},
        notes=tuple(map(label_note, found.labels)),
        name=suggest_name(request, loaded),
        description="",
    )
    if so_far is None:
        return new
    notes = so_far.notes + new.notes[so_far.rows :]
    return replace(new, notes=notes, name=so_far.name, description=so_far.description)


def _pushes(loaded: LoadedModel, recipe: Recipe, what: str, load_set: LoadSet | None) -> tuple[Push, ...]:
    """The pushes of a recipe of the request. Raises InputError for sets of another model and for recipes that add
    nothing, FileError for sets that are not there.
    """
    if load_set is None:
        raise InputError(f"Expected a way to read the set of {what}, got none; pass load_set to find.")
    made = mix(loaded, recipe, load_set)
    if made.warnings:
        raise InputError(f"Expected {what} from a set of this model, got another one's: {made.warnings[0]}")
    if not made.edits:
        raise InputError(f"Expected {what} that adds something, got a recipe of scale 0; give it a scale.")
    if clamps_of(made.edits):
        raise InputError(f"Expected {what} that only adds, got one that ablates or caps; leave that out of it.")
    return pushes_of(made.edits)
