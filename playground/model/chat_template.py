"""Deterministic rendering of a model's chat template, and the white space with which it begins an answer."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from jinja2 import TemplateError

from playground.errors import InputError
from playground.model.load import LoadedModel

Message = dict[str, str]
"""`role` (system, user or assistant) and `content`."""

DATE = "2026-01-01"
"""The day that templates which write today's date are told, so that a command gives the same tokens on every day."""

_MARK = "Xq7mark"
"""A content that no template writes by itself."""
_SAID = 160
"""Characters of a template's message that ours quotes."""
_LONG = 64
"""Characters of a content beyond which none stands in a template by chance."""
_DIRECTIVES = ("-d", "-m", "-H", "-I", "-M", "-S", "-j", *"aAwdbBmyYHIpMSfjUWcxXGuVDFTReZz")
"""What follows a percent sign in a format of dates; the first ones are without leading zeros."""


def check_date(value: object) -> None:
    """Raises InputError unless `value` is a day as YYYY-MM-DD."""
    try:
        # fromisoformat takes other spellings too.
        spelt = value if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) else ""
        date.fromisoformat(spelt)
    except ValueError as error:
        raise InputError(f"Expected a date as YYYY-MM-DD, got {value!r}; write it like {DATE}.") from error


def render_messages(
    loaded: LoadedModel, messages: Sequence[Message], thinking: bool = False, day: str = DATE, to_answer: bool = True
) -> str:
    """The text of a conversation; with `to_answer` it ends where the assistant's answer begins.

    Templates that read the clock are told it is the start of `day`; the content of a message is given as a list of
    parts where the template writes it only then. Raises InputError for a template that refuses the conversation, and
    for one that leaves out what the user said.
    """
    as_parts = [{**message, "content": _parts(message["content"])} for message in messages]
    refused: InputError | None = None
    for conversation in (messages, as_parts):
        try:
            text = _apply(loaded, conversation, thinking, day, to_answer)
        except InputError as error:
            refused = refused or error
            continue
        if _holds(text, messages) and _writes_content(loaded, conversation, thinking, day):
            return text
    raise refused or InputError(
        f"Expected a chat template that writes what the user says, but that of {loaded.name} leaves it out; give it "
        "plain text instead (--raw)."
    )


def answer_space(loaded: LoadedModel, messages: Sequence[Message], thinking: bool, day: str) -> str | None:
    """The white space between the prompt and an answer, as the template writes it in a conversation with an answer.

    "" where there is none; None where the template does not say: it does not repeat the prompt up to its end when an
    answer follows, or puts more than space between.
    """
    prompt = render_messages(loaded, messages, thinking, day)
    answered = [*messages, {"role": "assistant", "content": _MARK}]
    try:
        text = render_messages(loaded, answered, thinking, day, to_answer=False)
    except InputError:  # a template for the first turn only
        return None
    before, found, _ = text.rpartition(_MARK)
    if not found or not before.startswith(prompt):
        return None
    between = before[len(prompt) :]
    return between if not between.strip() else None


def reads_date(loaded: LoadedModel) -> bool:
    """Whether the output of the template depends on the date."""
    if not getattr(getattr(loaded, "tokenizer", None), "chat_template", None):
        return False
    hello: list[Message] = [{"role": "user", "content": "Hello"}]
    try:
        return len({render_messages(loaded, hello, day=day) for day in (DATE, "1987-11-23")}) == 2
    except InputError:  # a template for something else than a conversation
        return False


def _holds(text: str, messages: Sequence[Message]) -> bool:
    """Whether a text contains all messages; of answers what follows their thoughts, which templates drop."""
    said = [message["content"] for message in messages if message["role"] != "system"]
    # A list that is written as it stands is no text.
    return all(
        content.rpartition("</think>")[2].strip() in text and str(_parts(content))[1:-1] not in text
        for content in said
    )


def _parts(content: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": content}]


def _writes_content(loaded: LoadedModel, conversation: Sequence[dict[str, Any]], thinking: bool, day: str) -> bool:
    """Whether the template writes another last word of the user where another is said: a short one may stand in the
    text by chance.
    """
    place = max(number for number, message in enumerate(conversation) if message["role"] == "user")
    content = conversation[place]["content"]
    if isinstance(content, str) and len(content) > _LONG:
        return True
    changed = list(conversation)
    changed[place] = {
        **changed[place], "content": _MARK if isinstance(content, str) else _parts(_MARK)
    }  # fmt: skip
    return _MARK in _apply(loaded, changed, thinking, day, to_answer=True)


def _apply(
    loaded: LoadedModel, conversation: Sequence[dict[str, Any]], thinking: bool, day: str, to_answer: bool
) -> str:
    try:
        with _same_draws():
            text = loaded.tokenizer.apply_chat_template(
                list(conversation),
                tokenize=False,
                add_generation_prompt=to_answer,
                enable_thinking=thinking,
                chat_template=_pinned(loaded.tokenizer.get_chat_template(), day),
            )
            return str(text)
    except (TemplateError, ValueError, TypeError, KeyError) as error:
        said = " ".join(str(error).split())[:_SAID]
        what = "these turns" if len(conversation) > 1 else "one turn"
        raise InputError(
            f"Expected a chat template that takes {what}, but that of {loaded.name} says {said!r}; "
            "give it plain text instead (--raw)."
        ) from error


def _pinned(template: str, day: str) -> str:
    """The template with `strftime_now`, by which it reads the clock, as a macro that knows the start of `day` only.

    transformers takes no function from its caller.
    """
    if "strftime_now" not in template:
        return template
    moment = datetime.fromisoformat(day)
    replaced = "".join(
        f" | replace('%{directive}', {json.dumps(moment.strftime(f'%{directive}'))})" for directive in _DIRECTIVES
    )
    # The line end belongs to the last block: the template begins as at the start of a file.
    return f"{{%- macro strftime_now(format) -%}}{{{{ format{replaced} }}}}{{%- endmacro %}}\n{template}"


@contextmanager
def _same_draws() -> Iterator[None]:
    """Seed Python's random numbers, which Jinja's filter `random` and function `lipsum` draw; restored after."""
    before = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)
