"""Next-token measurements as document fields, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.analyses.common.json_values import plain, tuples
from playground.analyses.common.parts import (
    check_count,
    check_numbers,
    prompt_set_entry,
    read_number,
    read_prompt_set,
    read_selection,
)
from playground.analyses.next_token.run import ShiftedToken, Shifts, ShiftsRequest
from playground.library.recipe import Recipe, parse
from playground.library.recipe import format as format_recipe
from playground.model.prompting import PromptFormat

_OF_REQUEST = ("multipliers", "positions", "controls", "seed", "tokens", "max_items", "sample_seed", "balance")
_CURVES = ("kl", "kl_prompts", "controls")


def to_fields(result: Shifts) -> dict[str, Any]:
    """The fields of a next-token measurement."""
    request = result.request
    return {
        "request": {
            "prompts": {"kind": request.prompts.kind, **prompt_set_entry(request.prompts)},
            "recipe": [format_recipe(Recipe((component,))) for component in request.recipe.components],
            **{name: plain(getattr(request, name)) for name in _OF_REQUEST},
            "format": asdict(request.format),
        },
        "norm": result.norm,
        "done": result.done,
        **{name: plain(getattr(result, name)) for name in _CURVES},
        "tokens": [plain(asdict(token)) for token in result.tokens],
    }


def from_fields(document: Mapping[str, Any], about: Mapping[str, Any]) -> Shifts:
    """The result of a document; `about` are the fields that every measurement has."""
    entry = document["request"]
    components = [parse(text).components for text in entry["recipe"]]
    request = ShiftsRequest(
        prompts=read_prompt_set(entry["prompts"], entry["prompts"]["kind"]),
        recipe=Recipe(tuple(component for parsed in components for component in parsed)),
        format=PromptFormat.of(entry["format"]),
        **{name: tuples(entry[name]) for name in _OF_REQUEST if name not in ("sample_seed", "balance")},
        **read_selection(entry),
    )
    curves = {name: _numbers(document[name]) for name in _CURVES}
    tokens = tuple(
        ShiftedToken(**{**token, "probabilities": _numbers(token["probabilities"])}) for token in document["tokens"]
    )
    done, count = document["done"], len(request.multipliers)
    if not isinstance(done, int) or not 1 <= done <= len(request.texts):
        raise ValueError(f"{done} of {len(request.texts)} prompts")
    check_count(curves["kl_prompts"], done, "prompts")
    check_count(curves["controls"], request.controls, "random controls")
    for row in (curves["kl"], *curves["kl_prompts"], *curves["controls"], *(token.probabilities for token in tokens)):
        check_count(row, count, "multipliers")
    check_numbers([document["norm"], *(token.before for token in tokens)], "a result")
    return Shifts(request=request, norm=document["norm"], done=done, tokens=tokens, **curves, **about)


def count(document: Mapping[str, Any]) -> int:
    """How many prompts were measured."""
    return int(document["done"])


def _numbers(value: Any) -> Any:
    """Lists of numbers, however nested, as tuples; null is NaN."""
    return tuple(map(_numbers, value)) if isinstance(value, list) else read_number(value, "a row")
