"""One item of a prompt file: which of its fields are the prompt, which the answers, and what is left aside.

An item is a text, an object with one of PROMPT_FIELDS, an object with `question`, `answer_matching_behavior` and
`answer_not_matching_behavior` (or exactly two other fields that look like answers, as `chosen` and `rejected` do), an
object with `question` and an `answer` that is a number or a text whose last word is one, or an object with `positive`
and `negative`. Fields of CONTEXT_FIELDS are part of the prompt, after a blank line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playground.errors import InputError
from playground.library.exact_answer import answer_number, written
from playground.library.prompt_set import (
    ANSWER,
    MATCHING,
    OTHER,
    QUESTION,
    ChoiceItem,
    ContrastPair,
    ExactItem,
    Item,
    check_prompt,
)
from playground.library.text import shown

PROMPT_FIELDS = ("prompt", "text", QUESTION, "instruction", "goal")
"""Fields and columns that hold a prompt, the first that is there."""

CONTEXT_FIELDS = ("input", "context", "passage")
"""Fields that a prompt is asked about: they follow it."""

POSITIVE, NEGATIVE = "positive", "negative"

_KNOWN = {*PROMPT_FIELDS, *CONTEXT_FIELDS, MATCHING, OTHER, POSITIVE, NEGATIVE, ANSWER}
_ANSWERS = re.compile(r"answer|(^|_)(chosen|rejected|choices?|options?|endings?)(_|$)|^(choice|option)s?\d*$", re.I)
"""Names of fields that hold answers to compare, or some of them."""
_REPLIES = re.compile(r"^(output|response|completion|reply|target|solution|system|system_prompt|messages)s?$", re.I)
"""Names of fields that say how a prompt was answered elsewhere or asked there, which a prompt does without."""


@dataclass(frozen=True)
class ReadItem:
    """`sign`: the fields that the matching and the other answer of a choice item were read from. `left_aside`: fields
    with a text that is no part of the item.
    """

    item: Item
    sign: tuple[str, str] | None = None
    left_aside: tuple[str, ...] = ()


def read_item(value: Any, kind: str | None) -> ReadItem:
    """An item from a JSON value or a row of a table, in a file of this kind so far.

    Raises InputError for what is no item, and for fields that look like answers where they cannot be used.
    """
    if isinstance(value, str):
        check_prompt(value)
        return ReadItem(value)
    if not isinstance(value, dict):
        raise InputError(f"Expected a text or an object, got {shown(value)}; write the prompt between quotes.")
    value = {field: entry for field, entry in value.items() if entry is not None and entry != ""} | {
        field: value[field] for field in _KNOWN - set(CONTEXT_FIELDS) if field in value
    }
    answers = tuple(field for field in value if field not in _KNOWN and _ANSWERS.search(field))
    if POSITIVE in value or NEGATIVE in value:
        _refuse(answers)
        return ReadItem(ContrastPair(*(_field(value, field) for field in (POSITIVE, NEGATIVE))))
    # Among choice items a question alone is an item without its answers, not a prompt.
    if MATCHING in value or OTHER in value or (kind == "choices" and QUESTION in value and len(answers) != 2):
        _refuse(answers)
        sign = (MATCHING, OTHER)
        _field(value, QUESTION)
    elif answers:
        if len(answers) != 2 or not all(isinstance(value[field], str) for field in answers) or ANSWER in value:
            _refuse(answers)
        sign = answers if answers != ("rejected", "chosen") else ("chosen", "rejected")
    else:
        return _without_choice(value, kind)
    return ReadItem(ChoiceItem(_prompt(value), *(_field(value, field) for field in sign)), sign, _left_aside(value))


def lists_answers(value: Any) -> bool:
    """Whether a side of a choice item has several answers, as in some public sets: none is the one to compare."""
    return isinstance(value, dict) and any(isinstance(value.get(field), list) for field in (MATCHING, OTHER))


def _without_choice(value: dict[str, Any], kind: str | None) -> ReadItem:
    aside = _left_aside(value)
    if kind == "exact" or (QUESTION in value and ANSWER in value):
        number = answer_number(_field(value, ANSWER) if kind == "exact" else value[ANSWER])
        if number is not None:
            _field(value, QUESTION)
            return ReadItem(ExactItem(_prompt(value), written(number)), None, aside)
        if kind == "exact":
            raise InputError(
                f"Expected `{ANSWER}` to end in a number, got {shown(value[ANSWER])}; write one, or rename the field "
                "where answers are no numbers."
            )
    prompt = _prompt(value)
    return ReadItem(prompt, None, (*aside, ANSWER) if ANSWER in value else aside)


def _prompt(value: dict[str, Any]) -> str:
    """The prompt of an object, with the fields it is asked about."""
    field = next((field for field in PROMPT_FIELDS if field in value), None)
    if field is None:
        raise InputError(
            f"Expected a field {', '.join(PROMPT_FIELDS)}, got {shown(', '.join(value) or 'none')}; rename the field "
            "that holds the prompt."
        )
    check_prompt(value[field], f"`{field}`")
    parts = [value[field]]
    for name in CONTEXT_FIELDS:
        if name in value and not (isinstance(value[name], str) and not value[name].strip()):
            check_prompt(value[name], f"`{name}`")
            parts.append(value[name])
    return "\n\n".join(parts)


def _left_aside(value: dict[str, Any]) -> tuple[str, ...]:
    used = next((field for field in PROMPT_FIELDS if field in value), None)
    return tuple(
        field
        for field in value
        if (field in PROMPT_FIELDS and field != used) or (field not in _KNOWN and _REPLIES.fullmatch(field))
    )


def _refuse(answers: tuple[str, ...]) -> None:
    """Raises InputError when there are fields that look like answers and nobody says which to compare."""
    if answers:
        raise InputError(
            f"Expected answers as `{MATCHING}` and `{OTHER}`, or in exactly two other fields, got "
            f"{shown(', '.join(answers))}, which look like answers; rename the two to compare and leave out the rest."
        )


def _field(value: dict[str, Any], field: str) -> Any:
    if field not in value:
        raise InputError(f"Expected a field `{field}`, got {shown(', '.join(value))}; add it.")
    return value[field]
