"""Prompt sets as JSON: a list of items, an object with `format`: 1 and the fields of PromptSet, or an object of lists,
of which the wanted one is named (FILE#NAME).
"""

from __future__ import annotations

from typing import Any

from playground.errors import InputError
from playground.library.formats.format import Format
from playground.library.formats.items import build, numbered
from playground.library.prompt_set import PromptSet
from playground.library.strict_json import parse_json
from playground.library.text import shown

VERSION = 1
_SET_FIELDS = ("name", "title", "description", "kind", "for_model", "system", "chat", "answers")


def read(text: str, name: str, category: str | None = None) -> PromptSet:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InputError(f"Expected JSON, got {error}; mend it, or call it .jsonl for an item a line.") from error
    lists = _lists(value)
    if category is not None and category not in lists:
        raise InputError(
            f"Expected the name of one of its lists, {_listed(lists)}, got {shown(category)}; choose one of them."
        )
    if lists:
        chosen = category if category is not None else lists[0]
        if category is None and len(lists) > 1:
            raise InputError(
                f"Expected one list of items, got an object of {len(lists)}: {_listed(lists)}; name one of them after "
                f"the file, as in {name}.json#{shown(lists[0])[1:-1]}."
            )
        return build(numbered(value[chosen]), f"{name}#{chosen}" if len(lists) > 1 else name, {})
    if isinstance(value, list):
        return build(numbered(value), name, {})
    if not isinstance(value, dict) or "format" not in value:
        raise InputError(
            f"Expected a list, an object of lists, or one with `format`: {VERSION}, got {shown(value)}; write one."
        )
    if isinstance(value["format"], bool) or value["format"] != VERSION:
        raise InputError(f"Expected prompt set format {VERSION}, got {shown(value['format'])}; update the playground.")
    if not isinstance(value.get("items"), list):
        raise InputError(f"Expected `items` to be a list, got {shown(value.get('items'))}; list the prompts there.")
    known = {field: value[field] for field in _SET_FIELDS if field in value}
    if isinstance(known.get("answers"), list):
        known["answers"] = tuple(known["answers"])
    return build(numbered(value["items"]), name, known)


def lists(text: str) -> tuple[str, ...]:
    """The names of the lists in an object of lists; none for everything else."""
    try:
        return _lists(parse_json(text))
    except ValueError:  # said when the file is read
        return ()


def _lists(value: Any) -> tuple[str, ...]:
    if not isinstance(value, dict) or "format" in value or "items" in value:
        return ()
    return tuple(name for name, entry in value.items() if isinstance(entry, list))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(shown(name) for name in names[:20]) or "of which it has none"


FORMAT = Format(".json", "prompts", read, lists=lists, place=2)
