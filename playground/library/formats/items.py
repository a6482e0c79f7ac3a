"""Prompt sets of the items of a file, all of one kind; errors say where an item stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from playground.errors import InputError
from playground.library.prompt_items import lists_answers, read_item
from playground.library.prompt_set import KINDS, MATCHING, OTHER, ChoiceItem, Item, PromptSet
from playground.library.text import shown
from playground.limits import limits

Placed = tuple[str, Any]
"""A value and where it stands: ("line 7", …)."""


def numbered(values: list[Any]) -> Iterator[Placed]:
    """Values with their places as items, from 1."""
    return ((f"item {number}", value) for number, value in enumerate(values, start=1))


def build(values: Iterable[Placed], name: str, fields: dict[str, Any]) -> PromptSet:
    """A set of the items at their places, all of one kind; `fields` as a file has them."""
    items: dict[Item, None] = {}
    aside: dict[str, None] = {}
    sign: tuple[str, str] | None = None
    repeated, skipped, kind, first = 0, 0, fields.get("kind"), ""
    for place, value in values:
        if lists_answers(value):
            skipped += 1
            continue
        try:
            read = read_item(value, kind)
        except InputError as error:
            raise InputError(f"{place}: {error}") from error
        item = read.item
        found = next(kind for kind, item_type in KINDS.items() if isinstance(item, item_type))
        if kind is None:
            kind, first = found, f" as at {place}"
        if found != kind:
            raise InputError(
                f"{place}: Expected items of one kind, {shown(kind)}{first}, got {found}; put them into another file."
            )
        if read.sign is not None and sign is not None and read.sign != sign:
            if set(read.sign) != set(sign):
                raise InputError(
                    f"{place}: Expected answers in the fields {' and '.join(sign)} as in the first item, got "
                    f"{shown(' and '.join(read.sign))}; name them alike."
                )
            assert isinstance(item, ChoiceItem)
            item = ChoiceItem(item.question, item.other, item.matching)  # the same fields in another order
        sign = sign or read.sign
        aside |= dict.fromkeys(read.left_aside)
        repeated += item in items
        items[item] = None
        if len(items) > limits().items:
            raise InputError(f"Expected at most {limits().items} items, got more at {place}; split the file.")
    if skipped and not items:
        raise InputError(
            f"Expected choice items with one answer a side, got {skipped} with lists of answers; choose one of each."
        )
    fields = {"name": name, "title": fields.get("name", name), "description": "", **fields, "kind": kind or "prompts"}
    sign = None if sign == (MATCHING, OTHER) else sign
    if sign is not None and not fields["description"]:
        fields["description"] = f"A positive difference means {sign[0]}, a negative one {sign[1]}."
    return PromptSet(
        **fields,
        items=tuple(items),
        repeated=repeated,
        skipped=skipped,
        sign=sign,
        left_aside=tuple(aside),
    )
