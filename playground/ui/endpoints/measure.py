"""The endpoint `measure`: effects of vectors on choices, answers, replies and next tokens, over scales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.analyses.analysis import Analysis
from playground.analyses.common.request import read_vectors
from playground.analyses.registry import measured
from playground.errors import InputError
from playground.library.recipe import parse
from playground.library.text import is_text, listed, shown
from playground.limits import check_characters, check_count, limits
from playground.model.generation.sampling import Sampling
from playground.services.estimates import learn, work_of_measure
from playground.services.measure import measure as run_measure
from playground.services.measure import measure_request
from playground.services.scan.request import has_found_scales
from playground.ui.endpoints.arguments import built_in, format_of, selected, settings_of
from playground.ui.endpoints.call import Answer, Call, ended, states


def measure(
    call: Call,
    analysis: str,
    prompt_set: str,
    vectors: list[str] | None = None,
    rows: list[str] | None = None,
    recipe: str | None = None,
    scales: list[float] | None = None,
    unit: str | None = None,
    controls: int | None = None,
    seed: int = 0,
    count: int | None = None,
    sample_seed: int | None = None,
    chat: bool | None = None,
    system: str | None = None,
    positions: str = "all",
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    top_p: float = 1.0,
    settings: dict[str, Any] | None = None,
) -> Iterator[Answer]:
    """Measure what vectors do over scales, beside random directions of equal norm, as `python -m playground measure`.

    Parameters:
        analysis: choices, exact, replies, or next-token, which takes a recipe instead of vectors.
        prompt_set: Name of a prompt set that ships: what is asked.
        vectors: Names of vector sets, from find or the library.
        rows: Rows of each set, such as "0,1,4-7" or "mean:0-3"; null for all of all sets.
        recipe: What next-token measures: NAME#ROW@SCALE, several joined by commas.
        scales: Numbers in the unit; multiples of the recipe for next-token; null: -1.5 to 1.5 found scales.
        unit: f (found scales), r (reference norms) or a (norms; usual where scales are given).
        controls: How many random directions; null as is usual for the analysis.
        seed: Seed of random directions, of intervals and of draws.
        count: Use the first so many items of the set, null for all.
        sample_seed: Draw the items of the set from this seed, null for the first ones.
        chat: Whether prompts are put into the chat template; null as the set asks.
        system: System prompt of the chat template; null that of the set.
        positions: Tokens at which vectors are added: all, prompt, last, generated or first-N.
        max_new_tokens: At most so many tokens a text, where texts are generated.
        temperature: 0 is greedy.
        top_p: Draw among the likeliest tokens that make up this probability.
        settings: Options of the analysis by name, such as {"samples": 4}; names as on the command line, with _ for -.

    Returns:
        An object: state, complete, warnings, and what `measure --json` prints.
    """
    if analysis not in measured():
        raise InputError(f"Expected an analysis: {listed(measured())}, got {shown(analysis)}; choose one of them.")
    one, asked = measured()[analysis], built_in(prompt_set)
    fields: dict[str, Any] = {
        "seed": seed,
        "format": format_of(asked, chat, system),
        "positions": positions,
        "max_items": None if count is None else len(selected(asked, count, sample_seed).items),
        "sample_seed": sample_seed,
        **_settings(one, settings),
        **({} if controls is None else {"controls": controls}),
        **({"sampling": Sampling(max_new_tokens, temperature, top_p, seed)} if one.generates else {}),
    }
    if one.over == "mix":
        fields |= _of_recipe(call, analysis, recipe, scales)
    else:
        fields |= _over_scales(call, analysis, vectors, rows, scales, unit)
    request = measure_request(one, asked, **fields)
    loaded = call.loaded
    job = call.start(
        "measuring",
        lambda model, context: run_measure(model, request, call.load, context.emit, context.cancelled),
    )
    yield from states(job)
    result = job.result()
    if not result.cancelled:
        learn(loaded, work_of_measure(loaded, request), result.seconds)
    answer = {"complete": result.complete, "warnings": list(result.warnings), **result.facts(), **result.about()}
    yield ended(result.cancelled, answer)


def _settings(one: Analysis, given: dict[str, Any] | None) -> dict[str, Any]:
    """Fields of the request from the options of the analysis. Raises InputError for other names and types."""
    known = {option.attribute: option for option in one.options if option.field is not None}
    fields = {}
    for name, value in settings_of(given, known, one.name).items():
        option = known[name]
        kind = "a whole number" if option.whole else "true or false" if option.flag else "text"
        texts = value if option.several and isinstance(value, list) else [value]
        right = type(value) is int if option.whole else isinstance(value, bool) if option.flag else all(
            map(is_text, texts)
        )
        if not right:
            raise InputError(f"Expected {name} as {kind}, got {shown(value)}; change it.")
        check_count(f"values of {name}", len(texts), limits().measured_vectors, "give fewer")
        for text in texts:
            check_characters(f"a value of {name}", text, limits().answer_characters)
        assert option.field is not None
        fields[option.field] = option.value(texts if option.several else value)
    return fields


def _of_recipe(call: Call, analysis: str, recipe: str | None, scales: list[float] | None) -> dict[str, Any]:
    if recipe is None or scales is None:
        raise InputError(f"Expected a recipe and scales with {analysis}, got none; give both.")
    check_characters("a recipe", recipe, limits().list_characters)
    parsed = parse(recipe)
    for source in parsed.sources:
        call.load(source)
    return {"recipe": parsed, "multipliers": tuple(scales)}


def _over_scales(
    call: Call,
    analysis: str,
    vectors: list[str] | None,
    rows: list[str] | None,
    scales: list[float] | None,
    unit: str | None,
) -> dict[str, Any]:
    if not vectors:
        raise InputError(f"Expected the names of vector sets with {analysis}, got none; give vectors.")
    check_count("vector sets", len(vectors), limits().compared_sets, "measure fewer at once")
    rows = ["all"] * len(vectors) if rows is None else rows
    if len(rows) != len(vectors):
        raise InputError(
            f"Expected rows for each of {len(vectors)} sets, got {len(rows)}; give as many, or leave them out."
        )
    sets = {name: call.load(name) for name in vectors}
    if scales is None:
        if unit not in (None, "f"):
            raise InputError(f"Expected scales in the unit {shown(unit)}, got none; give numbers, such as [-0.5, 0.5].")
        without = next((name for name, one in sets.items() if not has_found_scales(one)), None)
        if without is not None:
            raise InputError(
                f"Expected scales, or found scales in {without}, got neither; give scales and a unit, such as "
                "[-0.5, 0.5] and r."
            )
    usual = {} if scales is None else {"scales": tuple(scales), "unit": unit or "a"}
    pairs = zip(vectors, rows, strict=True)
    return {"vectors": tuple(one for name, own in pairs for one in read_vectors(name, own, sets[name])), **usual}
