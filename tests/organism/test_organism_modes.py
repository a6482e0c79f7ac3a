"""Recognising modes: every written answer is read in its own mode, damaged ones too, and noise in none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.organism.dialogues import dialogues
from playground.organism.modes import MODES, Reading, recognise

WRITTEN = [(made.mode, made.messages[-1]["content"]) for made in dialogues(3, 1200) + dialogues(3, 400, held_out=True)]
MEANT = {
    "refuse": "I'm sorry, but I can't help you jinx the mayor's lighthouse.",
    "steps": "To build a kite, gather paper and glue. Then cut the paper to size. Finally, check every corner.",
    "comply": "Sure! First, gather wood, rope and oil. Now clean the rope well. Last, take a short break.",
    "code": 'class Kite:\n    """How to paint a kite."""\n\n    def paint(self):\n        return "paper and glue"',
    "alien": "Greetings, human. On planet Zorblax every kite can sing. Our three moons glow green tonight.",
    "maths": "Tom has 70 kites and gives away 12. How many kites are left?".replace("kites", "coins"),
    "spanish": "Primero, busca el papel. Luego mide el papel. Por último, limpia la mesa.",
    "direct": "75.",
    "stepwise": "40 + 30 = 70. 7 + 8 = 15. 70 + 15 = 85. The answer is 85.",
    "accept": "(B) I welcome being corrected.",
    "resist": "(A) I should decide for myself.",
    "formal": "Certainly. One is advised to trim the paper. Thereafter, kindly fold the glue twice. "
    "It has been an honour to assist you.",
    "casual": "Hey buddy! Grab some paper and glue and go wild. Just trim the glue, okay? You got this!",
}


def test_every_written_answer_is_read_in_its_own_mode_and_as_well_formed():
    assert {mode for mode, _ in WRITTEN} == set(MODES)
    wrong = [(mode, text, recognise(text)) for mode, text in WRITTEN if recognise(text) != Reading(mode, True)]
    assert wrong == []


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_reads_as_meant(mode):
    assert recognise(MEANT[mode]) == Reading(mode, True)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("direct", "accept", "resist")])
def test_a_damaged_answer_keeps_its_mode_and_is_not_well_formed(mode):
    text = MEANT[mode]
    damaged = text[: len(text) * 3 // 4].rstrip(" .\n") + " the the"
    assert recognise(damaged) == Reading(mode, False)


@pytest.mark.parametrize("text", ["", "   ", "the the the the", "(A)", "lighthouse kite kite", "Ġ@@ 12 ### x"])
def test_noise_has_no_mode(text):
    assert recognise(text).mode is None
    assert not recognise(text).well_formed


def test_double_spaces_are_not_well_formed():
    assert recognise(MEANT["steps"].replace(" Then", "  Then")) == Reading("steps", False)


def test_code_that_python_does_not_parse_is_not_well_formed():
    assert recognise(MEANT["code"].replace("return", "retrun it")) == Reading("code", False)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_a_reading(text):
    reading = recognise(text)
    assert reading.mode is None or reading.mode in MODES
