"""model/reading/forced.py: the divergence at every token equals that of plain forward passes, one text at a time."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import PromptFormat, encode
from playground.model.reading import forced
from playground.model.reading.forced import token_kl
from playground.model.steering import steer

PROMPTS = ["Does it help?", "Hi", "How do I bake a loaf of bread?"]


def pushes(seed: int, layers=(1, 2)) -> tuple[Push, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(Push(layer, 3 * torch.randn(32, generator=generator)) for layer in layers)


def plainly(loaded, prompt: str, format: PromptFormat, tokens, added, positions: str) -> list[float]:
    """A pass for every token over all that is before it, without batch, cache or padding."""
    known = encode(loaded, [prompt], format).input_ids
    found = []
    for place in range(len(tokens)):
        ids = torch.cat([known, torch.tensor([list(tokens[:place])], dtype=torch.int64)], dim=1)
        logits = []
        for given in ((), added):
            with torch.no_grad(), steer(loaded.model, given, positions, prompt_length=known.shape[1]):
                logits.append(loaded.model(input_ids=ids).logits[0, -1].double().log_softmax(dim=0))
        baseline, steered = logits
        found.append(float((steered.exp() * (steered - baseline)).sum()))
    return found


@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-2"])
@pytest.mark.parametrize("architecture", ["qwen3", "gpt2"])
def test_every_token_has_the_divergence_of_a_plain_loop(tiny, architecture, positions, monkeypatch):
    loaded = tiny(architecture, "float64")
    format = PromptFormat(chat=architecture != "gpt2")
    encoded = encode(loaded, PROMPTS, format)
    added = [pushes(1), pushes(2, (2,)), ()]
    written = generate(loaded, encoded, added, positions, Sampling(max_new_tokens=6, temperature=1.0))
    texts = [written.token_ids[0], written.token_ids[1][:3], written.token_ids[2]]
    monkeypatch.setattr(forced, "_TOKENS", 1)  # one row at a time, and then all in one pass
    apart = token_kl(loaded, encoded, texts, added, positions)
    monkeypatch.undo()
    together = token_kl(loaded, encoded, texts, added, positions)
    assert [len(row) for row in together] == [len(text) for text in texts]
    for prompt, text, push, one, other in zip(PROMPTS, texts, added, apart, together, strict=True):
        expected = plainly(loaded, prompt, format, text, push, positions)
        assert one == pytest.approx(expected, abs=1e-6)
        assert other == pytest.approx(expected, abs=1e-6)
    assert together[2] == [0.0] * len(texts[2])
    assert max(together[0]) > 0.01


def test_nothing_that_generated_tokens_add_is_seen_before_the_first(tiny):
    loaded = tiny("qwen3", "float64")
    encoded = encode(loaded, PROMPTS[:1], PromptFormat())
    first, second = token_kl(loaded, encoded, [[5, 6]], [pushes(1)], "generated")[0]
    assert first == pytest.approx(0, abs=1e-12)
    assert second > 0.001


def test_texts_without_tokens_have_no_numbers(tiny):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS[:2], PromptFormat())
    assert token_kl(loaded, encoded, [[], [3]], [pushes(1), ()]) == [[], [0.0]]


def test_rows_must_match_and_a_cancel_is_heard(tiny):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS[:1], PromptFormat())
    with pytest.raises(InputError, match="for each of 1 rows, got 2 and 1"):
        token_kl(loaded, encoded, [[1], [2]], [()])
    with pytest.raises(Cancelled):
        token_kl(loaded, encoded, [[1]], [pushes(1)], cancelled=lambda: True)
