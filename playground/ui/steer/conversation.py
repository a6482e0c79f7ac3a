"""Conversation before the prompt: turns as HTML, and their edits, removals and reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from playground.errors import InputError
from playground.model.conversation import ROLES, Turn
from playground.ui.kit.entered import whole
from playground.ui.kit.markup import escape

ROWS = 8
"""Height of a turn in lines, at most; longer ones scroll."""
CHARACTERS = 46
"""Characters in one line of a turn, about."""


def board(turns: Sequence[Turn], drawn: int = 0) -> str:
    """The turns as HTML, each in a text area; nothing without turns.

    `drawn` counts the redraws, so that text areas are reset even if the turns have not changed.
    """
    if not turns:
        return ""
    fields = "".join(_turn(index, turn) for index, turn in enumerate(turns))
    return (
        f'<div class="sp-turns" data-drawn="{drawn}"><div class="sp-cardhead"><h2>Conversation</h2>'
        f"<small>what was said before; the prompt is the user's next turn</small>"
        f'<button type="button" class="sp-small" data-act="reset" aria-label="Forget the whole conversation">reset'
        f"</button></div>{fields}</div>"
    )


def _turn(index: int, turn: Turn) -> str:
    rows = min(ROWS, sum(1 + len(line) // CHARACTERS for line in turn.text.split("\n")))
    remove = ""
    if turn.role == ROLES[0]:
        remove = (
            f'<button type="button" class="sp-small" data-act="remove" data-index="{index}" '
            f'aria-label="Remove turn {index + 1} and its answer" title="Remove this turn and its answer">✕</button>'
        )
    return (
        f'<div class="sp-said sp-{turn.role}"><span>{turn.role}</span>'
        f'<textarea data-act="edit" data-index="{index}" rows="{rows}" spellcheck="false" '
        # HTML drops a line break right after the tag, so an extra one stands there.
        f'aria-label="Turn {index + 1}, {turn.role}">\n{escape(turn.text)}</textarea>{remove}</div>'
    )


def changed(turns: Sequence[Turn], data: Mapping[str, str]) -> tuple[Turn, ...]:
    """The turns after an `act` event of the board. Raises InputError for another action or a missing turn."""
    act = data.get("act")
    if act == "reset":
        return ()
    index = whole(data.get("index"), "the turn", least=0)
    if index >= len(turns) or act not in ("edit", "remove"):
        raise InputError(f"Expected a turn of the {len(turns)} there are, got turn {index + 1}; click one of them.")
    if act == "edit":
        edited = replace(turns[index], text=data.get("value", ""))
        return (*turns[:index], edited, *turns[index + 1 :])
    start = index - index % len(ROLES)
    return (*turns[:start], *turns[start + len(ROLES) :])


def extended(turns: Sequence[Turn], question: str, answer: str) -> tuple[Turn, ...]:
    """`turns` with one more question and its answer. Raises InputError for an answer without text."""
    return (*turns, Turn(ROLES[0], question), Turn(ROLES[1], answer))
