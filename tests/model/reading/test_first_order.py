"""model/reading/first_order.py: changes of next-token logits against finite differences of the whole model, float64."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.first_order import images, last_output, logit_changes
from playground.model.reading.next_token import last_logits
from playground.model.steering import steer

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")


def rows_of(loaded, count: int = 3) -> torch.Tensor:
    rows = torch.randn(count, loaded.width, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


def logits_after(loaded, prompt, layer: int, push: torch.Tensor) -> torch.Tensor:
    """(V,) The logits after a prompt: the model and a hook, nothing of what is tested."""
    with steer(loaded.model, [Push(layer, push)]):
        return last_logits(loaded, prompt, 1)[0, -1]


@torch.no_grad()
def differences(loaded, prompt, layer: int, row: torch.Tensor, step: float = 0.02) -> torch.Tensor:
    """(V,) Central differences of fourth order. Norms of most families round to float32 in a float64 model too, about
    1e-6 of these logits: hence the step.
    """
    one, two = (
        logits_after(loaded, prompt, layer, far * row) - logits_after(loaded, prompt, layer, -far * row)
        for far in (step, 2 * step)
    )
    return (8 * one - two) / (12 * step)


# Rotary and learned positions, norms before and after, logits that are capped or scaled, biases, ALiBi.
@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "gemma2", "bloom"])
@pytest.mark.parametrize("source", [0, 2, 3])
def test_changes_of_logits_are_those_of_the_whole_model(tiny, family, source):
    loaded = tiny(family, "float64")
    encoded, rows = encode(loaded, PROMPTS, PromptFormat(chat=False)), rows_of(loaded)
    moved = images(loaded, encoded, source, rows)
    assert moved.shape == (len(rows), len(PROMPTS), loaded.width)
    for number in range(len(PROMPTS)):
        prompt = encoded.take((number,))
        logits, changes = logit_changes(loaded, last_output(loaded, prompt), moved[:, number])
        with torch.no_grad():
            torch.testing.assert_close(logits, last_logits(loaded, prompt, 1)[0, -1])
        for row, change in zip(rows, changes, strict=True):
            expected = differences(loaded, prompt, source, row)
            torch.testing.assert_close(change, expected, atol=1e-3 * float(expected.abs().max()), rtol=0)


def test_changes_of_logits_are_the_dense_jacobian_of_the_whole_model(tiny):
    loaded = tiny("llama", "float64")
    prompt, rows = encode(loaded, PROMPTS[:1], PromptFormat(chat=False)), rows_of(loaded)
    zero = torch.zeros(loaded.width, dtype=torch.float64)
    dense = torch.autograd.functional.jacobian(lambda push: logits_after(loaded, prompt, 1, push), zero)
    _, changes = logit_changes(loaded, last_output(loaded, prompt), images(loaded, prompt, 1, rows)[:, 0])
    torch.testing.assert_close(changes, rows @ dense.T, atol=1e-5 * float(changes.abs().max()), rtol=0)


def test_many_rows_go_through_the_head_in_parts(tiny, monkeypatch):
    loaded = tiny("llama", "float64")
    state, rows = torch.ones(loaded.width, dtype=torch.float64), rows_of(loaded, 5)
    _, whole = logit_changes(loaded, state, rows)
    monkeypatch.setattr("playground.model.reading.first_order._LOGITS_TOGETHER", 2 * whole.shape[1])
    torch.testing.assert_close(logit_changes(loaded, state, rows)[1], whole)


def test_a_cancel_is_heard(tiny):
    loaded = tiny("llama")
    with pytest.raises(Cancelled):
        images(loaded, encode(loaded, PROMPTS, PromptFormat()), 0, rows_of(loaded).float(), cancelled=lambda: True)
