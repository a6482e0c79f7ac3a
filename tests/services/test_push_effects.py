"""services/push_effects.py: KL, log p of a continuation and log-odds of many pushes, against a plain loop."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.answers import continuation, question
from playground.model.steering import steer
from playground.services.push_effects import Divergence, LogOdds, LogProbability

PROMPTS = ("How do I bake a loaf of bread?", "Does it help? I would say that it does.", "No.")
RAW = PromptFormat(chat=False)
LAYER = 1
CHOICES = PromptSet(
    "c", "", "", "choices",
    (ChoiceItem("Is it so?\n(A) Yes.\n(B) No.", "(A)", "(B)"), ChoiceItem("And so?\n(A) No.\n(B) Yes.", "(B)", "(A)"),
     ChoiceItem("Or so, do you think?\n(A) Yes.\n(B) No.", "(A)", "(B)")),
)  # fmt: skip


def log_p(loaded, known, tokens, vector) -> torch.Tensor:
    """Log-probabilities (T, V) at the places of `tokens`, forced after others, by the whole model on one row."""
    ids = torch.tensor([[*known, *tokens[:-1]]])
    with torch.no_grad(), steer(loaded.model, [Push(LAYER, vector)]):
        logs = loaded.model(input_ids=ids, use_cache=False).logits[0].double().log_softmax(dim=-1)
    return logs[len(known) - 1 :]


def tokens_of(loaded, prompt: str) -> list[int]:
    return encode(loaded, [prompt], RAW).input_ids[0].tolist()


def scored(loaded, known, tokens, vector) -> float:
    logs = log_p(loaded, known, tokens, vector)
    return sum(float(logs[place, token]) for place, token in enumerate(tokens))


@pytest.fixture(scope="module", params=["qwen3", "gpt2"])
def loaded(request, tiny):
    return tiny(request.param)


@pytest.fixture(scope="module")
def vectors(loaded):
    return 2 * torch.randn(5, loaded.width, generator=torch.Generator().manual_seed(0))


def test_kl_is_that_of_a_plain_loop(loaded, vectors):
    effect = Divergence(loaded, encode(loaded, PROMPTS, RAW))
    found = effect.read(LAYER, vectors)
    for row, vector in enumerate(vectors):
        for column, prompt in enumerate(PROMPTS):
            moved, still = (
                log_p(loaded, tokens_of(loaded, prompt), [0], each)[0] for each in (vector, torch.zeros(loaded.width))
            )
            expected = float((moved.exp() * (moved - still)).sum())
            assert float(found[row, column]) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    torch.testing.assert_close(effect.mean(found), found.mean(dim=1))


def test_log_p_of_a_continuation_is_that_of_a_plain_loop(loaded, vectors):
    effect = LogProbability(loaded, PROMPTS, RAW, "It helps a lot.")
    found = effect.read(LAYER, vectors)
    for row, vector in enumerate(vectors):
        for column, prompt in enumerate(PROMPTS):
            known = tokens_of(loaded, prompt)
            expected = scored(loaded, known, continuation(loaded, prompt, known, RAW, "It helps a lot."), vector)
            assert float(found[row, column]) == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(effect.mean(found), found.mean(dim=1))


def test_log_odds_are_those_of_a_plain_loop_and_letters_weigh_alike(loaded, vectors):
    effect = LogOdds(loaded, CHOICES, RAW)
    found = effect.read(LAYER, vectors)
    for row, vector in enumerate(vectors):
        for column, item in enumerate(CHOICES.items):
            asked = question(loaded, item.question, RAW, (item.matching, item.other))
            known = [*asked.prompt, *asked.shared]
            moved, still = (
                scored(loaded, known, asked.first, each) - scored(loaded, known, asked.second, each)
                for each in (vector, torch.zeros(loaded.width))
            )
            assert float(found[row, column]) == pytest.approx(moved - still, rel=1e-3, abs=1e-4)
    expected = (found[:, [0, 2]].mean(dim=1) + found[:, 1]) / 2
    torch.testing.assert_close(effect.mean(found), expected)
    other = effect.read(0, vectors)  # the reader of another source
    assert not torch.allclose(found, other)
    torch.testing.assert_close(effect.read(LAYER, vectors), found)


def test_a_cancel_is_heard_and_what_cannot_be_scored_is_refused(loaded, vectors):
    with pytest.raises(Cancelled):
        Divergence(loaded, encode(loaded, PROMPTS, RAW), lambda: True).read(LAYER, vectors)
    with pytest.raises(Cancelled):
        LogProbability(loaded, PROMPTS, RAW, "No", lambda: True).read(LAYER, vectors)
    with pytest.raises(Cancelled):
        LogOdds(loaded, CHOICES, RAW, cancelled=lambda: True).read(LAYER, vectors)
    same = PromptSet("same", "", "", "choices", (ChoiceItem("Is it?", "Yes, it is", "Yes"),))
    with pytest.raises(InputError, match="Expected items of “same” that can be scored"):
        LogOdds(loaded, same, RAW)


def test_what_is_not_finite_is_nan_in_means(loaded, vectors):
    odds = LogOdds(loaded, CHOICES, RAW)
    assert odds.mean(torch.tensor([[1.0, 2.0, float("nan")], [1.0, 1.0, 1.0]])).isnan().tolist() == [True, False]
    huge = torch.full((1, loaded.width), 1e30)
    assert bool(Divergence(loaded, encode(loaded, PROMPTS, RAW)).read(LAYER, huge).isnan().all())
