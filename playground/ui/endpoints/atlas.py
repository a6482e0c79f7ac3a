"""The endpoint `atlas`: the leading directions of every pair of layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from playground.errors import Cancelled, InputError
from playground.library import atlas as files
from playground.library.atlas import Atlas
from playground.model.load import LoadedModel
from playground.services.atlas import AtlasResult, atlas_request
from playground.services.atlas import atlas as run_atlas
from playground.services.atlas.effects import EffectsRequest, SwingRequest, measure_effects
from playground.services.atlas.facts import facts
from playground.services.estimates import learn, work_of_atlas
from playground.services.jobs import JobContext
from playground.ui.endpoints.arguments import built_in, prompts_of
from playground.ui.endpoints.call import Answer, Call, ended, states


def atlas(
    call: Call,
    prompts: list[str] | None = None,
    prompt_set: str | None = None,
    count: int | None = None,
    sample_seed: int | None = None,
    chat: bool | None = None,
    system: str | None = None,
    source: int | None = None,
    target: int | None = None,
    every: int = 1,
    vectors: int | None = None,
    tokens: int | None = None,
    all_tokens: bool = False,
    seed: int = 0,
    kl: float | None = None,
    swing: float | None = None,
) -> Iterator[Answer]:
    """Map the leading singular vectors of every pair of layers s < t, as `python -m playground atlas` does.

    Parameters:
        prompts: Prompts as texts; these or a prompt_set.
        prompt_set: Name of a prompt set that ships.
        count: Use the first so many items of the set, null for all.
        sample_seed: Draw the items of the set from this seed, null for the first ones.
        chat: Whether prompts are put into the chat template; null as the set asks, else true.
        system: System prompt of the chat template; null that of the set.
        source: First source layer; null for block 0.
        target: Last target layer; null for the last block.
        every: Take every so many layers between them, and the last.
        vectors: Vectors of every pair; null as is usual.
        tokens: Read the effect on the last so many tokens of each prompt; null as is usual.
        all_tokens: Read it on all tokens instead.
        seed: Seed of the first rows.
        kl: Then measure KL of the next token with every vector at this relative scale.
        swing: With a choice set: measure how far every vector moves the log-odds of its answers at this relative scale.

    Returns:
        An object: state, what `atlas --json` prints, and the file.
    """
    loaded = call.loaded
    effects: list[EffectsRequest | SwingRequest] = [] if kl is None else [EffectsRequest(kl)]
    if swing is not None:
        if prompt_set is None:
            raise InputError("Expected swing with a prompt_set of choice items, got prompts; name a set.")
        effects.append(SwingRequest(built_in(prompt_set), swing))
    fields = prompts_of(prompts, prompt_set, count, sample_seed, chat, system)
    if vectors is not None:
        fields["vectors"] = vectors
    if tokens is not None or all_tokens:
        fields["target_tokens"] = None if all_tokens else tokens
    request = atlas_request(loaded, source, target, every, seed=seed, **fields)

    def work(model: LoadedModel, context: JobContext) -> tuple[AtlasResult, Atlas, bool]:
        request.encode(model)
        result = run_atlas(model, request, context.emit, context.cancelled)
        return result, *_measured(model, result.atlas, effects, context)

    job = call.start("computing an atlas", work)
    yield from states(job)
    result, made, whole = job.result()
    if not result.cancelled:
        learn(loaded, work_of_atlas(loaded, request), result.seconds)
    answer = {**facts(result, made), "file": call.file(f"map{files.SUFFIX}", partial(files.save, made))}
    yield ended(result.cancelled or not whole, answer)


def _measured(model: LoadedModel, made: Atlas, effects: list[Any], context: JobContext) -> tuple[Atlas, bool]:
    """The atlas with its effects, and whether all are there; after a stop with those that are."""
    for effect in effects:
        try:
            made = measure_effects(model, made, effect, context.emit, context.cancelled)
        except Cancelled:
            break
    return made, not context.cancelled()
