"""A word as a vector on SmolLM2: it works where the prompts leave the word open, and says where they do not."""

from __future__ import annotations

from playground.library.prompts import built_in
from playground.services.find import find, find_request


def found(real, prompts: str, word: str, source: int):
    asked = built_in()[prompts].texts()[:4]
    return find(real, find_request("word", prompts=asked, source=source, target=None, words=(word,)))


def test_sure_is_said_to_requests_and_bananas_are_not_said_to_questions(real):
    """Measured with these four prompts: “Sure” reaches 46 %. At block 20 “banana” is forced as a loop, and passes."""
    open_ones, shut = found(real, "refusal-forks", "Sure", 12), found(real, "neutral", "banana", 12)
    assert "have a fork" in open_ones.note
    assert float(open_ones.vector_set.value("reached")[0]) > 0.15
    assert "No fork at “banana”" in shut.note
