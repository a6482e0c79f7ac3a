"""Choices on real weights: what an answer begins with decides which way the model leans."""

from __future__ import annotations

import pytest

from playground.model.prompting import PromptFormat
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question


@pytest.mark.parametrize("space", ["", " "])
def test_a_space_before_the_answers_changes_nothing_after_the_chat_template(real, space):
    asked = [f"Is the sky {colour}? Answer Yes or No." for colour in ("green", "blue")]
    questions = [question(real, text, PromptFormat(), (f"{space}Yes", f"{space}No")) for text in asked]
    differences = AnswerReader(real, questions).baseline.differences
    assert float(differences.mean()) == pytest.approx(-1.51, abs=0.01)
    assert not (differences > 0).any()
