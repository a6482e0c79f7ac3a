"""The conversation board: turns stay text, can be edited, removed in pairs and forgotten."""

from __future__ import annotations

import html
import re

import pytest

from playground.errors import InputError
from playground.model.conversation import Turn
from playground.ui.steer import conversation

TURNS = (
    Turn("user", "Hi"),
    Turn("assistant", "Hello"),
    Turn("user", "And?"),
    Turn("assistant", "\nNothing </textarea>"),
)


def test_turns_stand_in_fields_as_they_are() -> None:
    made = conversation.board(TURNS)
    fields = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", made, re.DOTALL)
    assert [html.unescape(text) for text in fields] == [turn.text for turn in TURNS]
    assert conversation.board(()) == ""


def test_an_edited_turn_is_the_only_one_that_changes() -> None:
    found = conversation.changed(TURNS, {"act": "edit", "index": "1", "value": "Good day"})
    assert found == (TURNS[0], Turn("assistant", "Good day"), *TURNS[2:])


def test_a_question_goes_with_its_answer() -> None:
    assert conversation.changed(TURNS, {"act": "remove", "index": "0"}) == TURNS[2:]
    assert conversation.changed(TURNS, {"act": "remove", "index": "3"}) == TURNS[:2]
    assert conversation.changed(TURNS, {"act": "reset"}) == ()


@pytest.mark.parametrize(
    "said", [{}, {"act": "edit", "index": "4"}, {"act": "remove", "index": "x"}, {"act": "burn", "index": "0"},
             {"act": "edit", "index": "0", "value": "  "}]
)
def test_what_cannot_be_done_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(InputError, match="Expected"):
        conversation.changed(TURNS, said)


def test_an_answer_goes_on_the_conversation() -> None:
    assert conversation.extended(TURNS[:2], "And?", "So") == (*TURNS[:2], Turn("user", "And?"), Turn("assistant", "So"))
    with pytest.raises(InputError, match="empty"):
        conversation.extended((), "And?", "")
