"""Arguments of endpoints: their types as JSON, and what prompts and format they make."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from playground.errors import InputError
from playground.library import prompts as prompt_sets
from playground.library.prompt_set import PromptSet
from playground.library.text import listed, shown
from playground.limits import check_characters, check_count, check_whole
from playground.model.prompting import PromptFormat
from playground.services.prompt_fields import prompt_fields

NAME_CHARACTERS = 500
"""Of a name, which errors repeat: of a model, a set or a choice."""
_LONGER = ("recipe", "rows", "system")
"""Parameters of one text that are no names; the requests check their length."""
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_WORDS |= {list[str]: "a list of texts", list[float]: "a list of numbers", dict[str, Any]: "an object"}


def checked(parameters: Sequence[inspect.Parameter], values: Sequence[Any]) -> dict[str, Any]:
    """The values of a call by parameter. Raises InputError for one of another type than its parameter has."""
    return {one.name: _typed(one, value) for one, value in zip(parameters, values, strict=True)}


def _typed(parameter: inspect.Parameter, value: Any) -> Any:
    if isinstance(value, str) and parameter.name not in _LONGER:
        check_characters(parameter.name, value, NAME_CHARACTERS)
    try:
        return TypeAdapter(parameter.annotation, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        expected = next(words for kind, words in _WORDS.items() if parameter.annotation in (kind, kind | None))
        null = "" if parameter.annotation in _WORDS else ", or null"
        raise InputError(
            f"Expected {parameter.name} as {expected}{null}, got {_short(value)}; change it."
        ) from None


def _short(value: Any) -> str:
    return "a number too large" if isinstance(value, int) and abs(value) > 10**30 else shown(value)


def built_in(name: str) -> PromptSet:
    """A prompt set that ships, by its name, never by a path. Raises InputError."""
    sets = prompt_sets.built_in()
    if name not in sets:
        raise InputError(f"Expected a prompt set that ships: {listed(sets)}, got {shown(name)}; choose one.")
    return sets[name]


def selected(prompt_set: PromptSet, count: int | None, sample_seed: int | None) -> PromptSet:
    """The first `count` items of a set (None: all), or as many drawn from a seed. Raises InputError."""
    if count is not None:
        check_whole("count of items", count, 1, len(prompt_set.items))
    return prompt_sets.select(prompt_set, count, seed=sample_seed)


def format_of(asked: PromptSet | None, chat: bool | None, system: str | None, **others: Any) -> PromptFormat:
    """The format of a set, or the chat template, with what is given instead. Raises InputError."""
    own = PromptFormat() if asked is None else PromptFormat.of_set(asked)
    chat = own.chat if chat is None else chat
    system = (own.system if chat else None) if system is None else system or None
    return PromptFormat(chat=chat, system=system, **others)


def prompts_of(
    prompts: list[str] | None,
    prompt_set: str | None,
    count: int | None,
    sample_seed: int | None,
    chat: bool | None,
    system: str | None,
    two_sides: bool = False,
) -> dict[str, Any]:
    """Request fields of prompts, from texts or a set that ships. Raises InputError for both, and for neither."""
    if (prompts is None) == (prompt_set is None):
        raise InputError("Expected prompts or a prompt_set, got both or neither; give one of them.")
    if prompt_set is None:
        if count is not None or sample_seed is not None:
            raise InputError("Expected count and sample_seed with a prompt_set, got one with prompts; leave it out.")
        return {"prompts": tuple(prompts or ()), "format": format_of(None, chat, system)}
    chosen = selected(built_in(prompt_set), count, sample_seed)
    fields = prompt_fields(chosen, two_sides)
    return {**fields, "sample_seed": sample_seed, "format": format_of(chosen, chat, system)}


def settings_of(given: dict[str, Any] | None, known: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """The settings of a method or an analysis by name. Raises InputError for a name that it does not have."""
    settings = {} if given is None else given
    check_count("settings", len(settings), 100, "leave some out")
    other = next((name for name in settings if name not in known), None)
    if other is not None:
        has = f"it has {listed(known)}" if known else "it has none"
        raise InputError(f"Expected settings of {whose}, got {shown(other)}; {has}.")
    return settings
