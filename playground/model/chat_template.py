"""Rendering a model's chat template, and asking it how an answer begins."""

from __future__ import annotations

from jinja2 import TemplateError

from playground.errors import InputError
from playground.model.load import LoadedModel

Message = dict[str, str]
"""`role` (system, user or assistant) and `content`."""

_ANSWER = "Xq7answer"
"""An answer that no template writes by itself."""


def render_messages(loaded: LoadedModel, messages: list[Message], thinking: bool, to_answer: bool = True) -> str:
    """The text of a conversation; with `to_answer` it ends where the assistant's answer begins.

    Raises InputError for a template that refuses the conversation.
    """
    try:
        return loaded.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=to_answer, enable_thinking=thinking
        )
    except (TemplateError, ValueError, TypeError, KeyError) as error:
        what = "these turns" if len(messages) > 1 else "one turn"
        raise InputError(
            f"Expected a chat template that takes {what}, but that of {loaded.name} says {str(error).strip()!r}; "
            "give it plain text instead (--raw)."
        ) from error


def answer_space(loaded: LoadedModel, messages: list[Message], thinking: bool) -> str | None:
    """The white space between the prompt and an answer, as the template writes it in a conversation with an answer.

    "" where there is none; None where the template does not say: it does not repeat the prompt up to its end when an
    answer follows, or puts more than space between.
    """
    prompt = render_messages(loaded, messages, thinking)
    try:
        answered = render_messages(
            loaded, [*messages, {"role": "assistant", "content": _ANSWER}], thinking, to_answer=False
        )
    except InputError:  # a template for the first turn only
        return None
    before, found, _ = answered.rpartition(_ANSWER)
    if not found or not before.startswith(prompt):
        return None
    between = before[len(prompt) :]
    return between if not between.strip() else None
