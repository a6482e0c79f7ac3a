"""The endpoint `find`: directions from prompts, as a set that the session keeps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from playground.library import vector_set as files
from playground.limits import check_count, limits
from playground.methods.base.registry import method_of
from playground.model.load import LoadedModel
from playground.services.estimates import learn, work_of_find
from playground.services.find import FindResult, find_request, find_with_scales
from playground.services.find import find as find_vectors
from playground.services.find.facts import facts
from playground.services.jobs import JobContext
from playground.ui.endpoints.arguments import prompts_of, settings_of
from playground.ui.endpoints.call import Answer, Call, ended, states


def find(
    call: Call,
    method: str,
    source: int,
    target: int | None = None,
    prompts: list[str] | None = None,
    prompt_set: str | None = None,
    count: int | None = None,
    sample_seed: int | None = None,
    against: list[str] | None = None,
    chat: bool | None = None,
    system: str | None = None,
    vectors: int | None = None,
    tokens: int | None = None,
    all_tokens: bool = False,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    scales: bool = True,
    with_vectors: bool = False,
) -> Iterator[Answer]:
    """Find directions in the residual stream of the loaded model, as `python -m playground find` does.

    The set is kept for this session, under the name in the answer: the newest 8, and 64 MB of them at most.

    Parameters:
        method: Name of a method, such as power or melbo; a name that is none is answered with all there are.
        source: Block (from 0) at whose output a direction is added.
        target: Block above the source at whose output the effect is read; random needs none.
        prompts: Prompts as texts; these or a prompt_set.
        prompt_set: Name of a prompt set that ships.
        count: Use the first so many items of the set, null for all.
        sample_seed: Draw the items of the set from this seed, null for the first ones.
        against: Prompts that do not show the behaviour, for methods of two sides.
        chat: Whether prompts are put into the chat template; null as the set asks, else true.
        system: System prompt of the chat template; null that of the set.
        vectors: How many vectors; null as many as is usual for the method.
        tokens: Read the effect on the last so many tokens of each prompt; null as is usual.
        all_tokens: Read it on all tokens instead.
        seed: Seed of what is drawn.
        settings: Settings of the method by name, such as {"steps": 300}; names as on the command line, with _ for -.
        scales: Look for the scales at which each vector begins to tell and breaks.
        with_vectors: Whether the answer holds the vectors as lists of numbers.

    Returns:
        An object: state, name of the set, what `find --json` prints, the file, and rows (with_vectors).
    """
    chosen = method_of(method)
    fields = prompts_of(prompts, prompt_set, count, sample_seed, chat, system, chosen.reads.sides > 1)
    fields |= settings_of(settings, chosen.options, method)
    if against is not None:
        fields["against"] = tuple(against)
    if vectors is not None:
        fields["vectors"] = vectors
    if tokens is not None or all_tokens:
        fields["target_tokens"] = None if all_tokens else tokens
    request = find_request(method, source=source, target=target, seed=seed, **fields)
    loaded = call.loaded
    if with_vectors:
        check_count(
            f"numbers in the answer ({request.k} vectors × {loaded.width})", request.k * loaded.width,
            limits().numbers, "download the file instead",
        )  # fmt: skip

    def work(model: LoadedModel, context: JobContext) -> FindResult:
        request.check(model)
        run = find_with_scales if scales else find_vectors
        return run(model, request, context.emit, context.cancelled, call.load)

    job = call.start("computing vectors", work)
    yield from states(job)
    result = job.result()
    if not result.cancelled:
        learn(loaded, work_of_find(loaded, request, 0), result.seconds)
    found = call.keep(result.vector_set)
    answer = {
        "name": found.name,
        **facts(result),
        "file": call.file(f"{result.vector_set.name}.safetensors", partial(files.save, found)),
    }
    if with_vectors:
        answer["rows"] = found.vectors.tolist()
    yield ended(result.cancelled, answer)
