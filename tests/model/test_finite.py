"""model/finite.py: what is not finite stays NaN, and is traced to its block."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import InputError, ModelError
from playground.model.finite import check_finite, kl_divergence, not_finite_from
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question
from playground.model.reading.next_token import divergences, next_logits

PROMPT = "Does it help?"


def test_a_divergence_of_nan_is_nan_and_a_token_of_probability_0_adds_nothing():
    sure = torch.tensor([0.0, -torch.inf, -torch.inf])
    even = torch.tensor([0.5, 0.5, 0.0]).log()
    assert float(kl_divergence(sure, even)) == pytest.approx(0.6931472)
    assert kl_divergence(even, sure).isinf()
    for pair in ((sure, torch.full((3,), torch.nan)), (torch.full((3,), torch.nan), sure)):
        assert kl_divergence(*pair).isnan()


@pytest.mark.parametrize("scale", [1e25, 1e38, 3e38])
def test_a_push_that_overflows_is_traced_to_its_block_and_gives_no_numbers(tiny, scale):
    loaded, format = tiny("llama"), PromptFormat()
    prompt = encode(loaded, [PROMPT], format)
    push = Push(2, scale * torch.eye(loaded.width)[3])
    assert not_finite_from(loaded, prompt, [push]) == "block 2"
    logits = next_logits(loaded, prompt.take([0, 0]), [(), (push,)])
    assert logits[0].isfinite().all()
    assert divergences(logits, logits[0]).tolist() == [0.0, pytest.approx(torch.nan, nan_ok=True)]
    asked = question(loaded, PROMPT, format, ("Yes", "No"))
    fine = Push(2, torch.eye(loaded.width)[3])
    large, small = AnswerReader(loaded, [asked]).read([(push,), (fine,)])
    assert large.differences.isnan().all()
    assert large.divergences.isnan().all()
    assert small.differences.isfinite().all()
    with pytest.raises(InputError, match=r"not finite from block 2 on; use a smaller scale\."):
        check_finite(logits[1], loaded, prompt, (push,))


def test_a_model_that_overflows_by_itself_is_told_apart_from_a_push_that_does(tiny, monkeypatch):
    loaded, format = tiny("qwen3"), PromptFormat()
    prompt = encode(loaded, [PROMPT], format)
    weight = loaded.model.model.layers[1].mlp.down_proj.weight
    before = weight.detach().clone()
    try:
        weight.data.fill_(torch.inf)
        logits = next_logits(loaded, prompt, [()])
        with pytest.raises(ModelError, match=r"from block 1 on, without any steering; load it with dtype float32"):
            check_finite(logits, loaded, prompt)
    finally:
        weight.data.copy_(before)
