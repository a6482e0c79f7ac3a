"""The endpoint `scan`: a text for every vector, sign and scale."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from playground.errors import InputError
from playground.library.rows import read_rows
from playground.library.text import listed, shown
from playground.limits import check_count, limits
from playground.model.generation.sampling import Sampling
from playground.model.load import is_organism
from playground.services.estimates import learn, work_of_scan
from playground.services.scan import ScanRequest, document, file
from playground.services.scan import scan as run_scan
from playground.services.scan.request import SIGNS, usual_scales, usual_unit
from playground.ui.endpoints.arguments import prompts_of
from playground.ui.endpoints.call import Answer, Call, ended, states


def scan(
    call: Call,
    vectors: str,
    rows: str = "all",
    signs: str = "both",
    scales: list[float] | None = None,
    unit: str | None = None,
    prompts: list[str] | None = None,
    prompt_set: str | None = None,
    count: int | None = None,
    sample_seed: int | None = None,
    chat: bool | None = None,
    system: str | None = None,
    positions: str = "all",
    samples: int = 1,
    max_new_tokens: int = 48,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[Answer]:
    """Generate with every vector of a set, in both signs and at several scales, grouped by what texts say, as
    `python -m playground scan` does.

    Parameters:
        vectors: Name of a vector set, from find or the library.
        rows: Rows of it: all, starred, kept, a range like 0-11, or numbers like 0,3,7.
        signs: both, plus or minus.
        scales: Numbers in the unit; null as is usual for the set.
        unit: f (found scales), r (reference norms) or a (norms); null: r with scales, else as is usual for the set.
        prompts: Prompts as texts; these or a prompt_set.
        prompt_set: Name of a prompt set that ships.
        count: Use the first so many items of the set, null for all.
        sample_seed: Draw the items of the set from this seed, null for the first ones.
        chat: Whether prompts are put into the chat template; null as the set asks, else true.
        system: System prompt of the chat template; null that of the set.
        positions: Tokens at which a vector is added: all, prompt, last, generated or first-N.
        samples: Texts for each vector, sign, scale and prompt; more than 1 with a temperature above 0.
        max_new_tokens: At most so many tokens a text.
        temperature: 0 is greedy.
        top_p: Draw among the likeliest tokens that make up this probability.
        seed: Seed of the draws.

    Returns:
        An object: state, warnings, what `scan --json` prints, and the file.
    """
    if signs not in SIGNS.values():
        raise InputError(f"Expected signs: {listed(SIGNS.values())}, got {shown(signs)}; choose one of them.")
    loaded, vector_set = call.loaded, call.load(vectors)
    if scales is None:
        unit = unit or usual_unit(vector_set)
        chosen = usual_scales(unit, is_organism(loaded))
    else:
        check_count("scales", len(scales), limits().scan_scales, "give fewer")
        unit, chosen = unit or "r", tuple(scales)
    request = ScanRequest(
        source=vectors,
        rows=read_rows(rows, vector_set),
        signs=next(each for each, name in SIGNS.items() if name == signs),
        scales=chosen,
        unit=unit,
        **prompts_of(prompts, prompt_set, count, sample_seed, chat, system),
        positions=positions,
        sampling=Sampling(max_new_tokens, temperature, top_p, seed),
        samples=samples,
    )
    request.signed_rows(vector_set)
    job = call.start(
        "scanning",
        lambda model, context: run_scan(model, request, lambda _: vector_set, context.emit, context.cancelled),
    )
    yield from states(job)
    result = job.result()
    learn(loaded, work_of_scan(loaded, request, len(result.cells)), result.seconds)
    answer = {
        "warnings": list(result.warnings),
        **document.to_json(result, vector_set.notes),
        "file": call.file("scan.json", partial(file.save, result, notes=vector_set.notes)),
    }
    yield ended(result.cancelled, answer)
