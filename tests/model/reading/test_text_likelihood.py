"""Perplexities of many texts in few passes are those of a plain loop, token by token."""

from __future__ import annotations

import math

import pytest
import torch

from playground.errors import InputError
from playground.model.prompting import PromptFormat, encode
from playground.model.reading import text_likelihood
from playground.model.reading.text_likelihood import log_probabilities, perplexities

RAW = PromptFormat(chat=False)
PROMPTS = ("The quick brown fox", "Hi", "def add(a, b): return")
TEXTS = ((5, 9, 11, 3, 8), (7,), (), (12, 12, 12))


@pytest.fixture
def batch(tiny):
    loaded = tiny("qwen3")
    return loaded, encode(loaded, PROMPTS, RAW).take([0, 1, 2, 1])


def plain_loop(loaded, prompts, row: int) -> list[float]:
    """The oracle: one pass a token over the whole text so far, no padding."""
    tokens, found = prompts.input_ids[row, -prompts.lengths[row] :].tolist(), []
    for token in TEXTS[row]:
        with torch.no_grad():
            logits = loaded.model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
        found.append(float(logits.double().log_softmax(dim=0)[token]))
        tokens.append(token)
    return found


@pytest.mark.parametrize("budget", [1 << 14, 1])
def test_every_token_is_as_likely_as_in_a_plain_loop(batch, monkeypatch, budget):
    monkeypatch.setattr(text_likelihood, "_TOKENS", budget)
    loaded, prompts = batch
    found = log_probabilities(loaded, prompts, TEXTS)
    for row, values in enumerate(found):
        assert values.tolist() == pytest.approx(plain_loop(loaded, prompts, row), abs=1e-5)


def test_perplexity_is_exp_of_the_mean_and_none_of_an_empty_text(batch):
    loaded, prompts = batch
    found = perplexities(loaded, prompts, TEXTS)
    assert found[2] is None
    for row in (0, 1, 3):
        values = plain_loop(loaded, prompts, row)
        assert found[row] == pytest.approx(math.exp(-sum(values) / len(values)), rel=1e-5)


def test_a_text_for_each_prompt_is_needed(batch):
    with pytest.raises(InputError, match="Expected a text for each of 4 prompts, got 1"):
        perplexities(*batch, TEXTS[:1])
