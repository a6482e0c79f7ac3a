"""Turns of a conversation that went before the prompt: as a person types them, and in the order templates want.

`user: TEXT` and `assistant: TEXT`, one turn each; the prompt that follows is the user's next turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.errors import InputError
from playground.limits import check_characters, check_count, limits

ROLES = ("user", "assistant")


@dataclass(frozen=True)
class Turn:
    """One message of a conversation. Raises InputError for another role and for a turn without text."""

    role: str
    text: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InputError(
                f"Expected a turn of user or assistant, got one of {self.role[:40]!r}; write it as user: TEXT."
            )
        check_characters("a turn", self.text, limits().prompt_characters)
        if not self.text.strip():
            raise InputError(f"Expected a turn with text in it, got an empty one of the {self.role}; write something.")


def parse(text: str) -> Turn:
    """The turn that `user: Hello` stands for; one space after the colon is not part of it. Raises InputError."""
    role, colon, said = text.partition(":")
    if not colon or role.strip() not in ROLES:
        raise InputError(
            f"Expected a turn such as “user: TEXT” or “assistant: TEXT”, got {text[:40]!r}; begin with who speaks."
        )
    return Turn(role.strip(), said.removeprefix(" "))


def format(turn: Turn) -> str:
    """The text that `parse` turns into this turn again."""
    return f"{turn.role}: {turn.text}"


def check_turns(turns: Sequence[Turn]) -> None:
    """Raises InputError unless the turns alternate, the user first and the assistant last, and are not too many."""
    check_count("turns before the prompt", len(turns), limits().turns, "leave some out")
    roles = [turn.role for turn in turns]
    if roles != list(ROLES) * (len(roles) // 2):
        raise InputError(
            "Expected turns of user and assistant by turns, the user first and the assistant last, got "
            f"{', '.join(roles)}; the prompt is the user's next turn."
        )
