"""methods/word: the gradient of log p of a text by finite differences, and what the vector does on the organism."""

from __future__ import annotations

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import InputError
from playground.library.prompts import built_in
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet, from_bytes, to_bytes
from playground.methods.word import FORK
from playground.model.generation.generate import Sampling
from playground.model.load import load
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.continuations import forced, push_gradients
from playground.model.steering import steer
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate

PROMPTS = ("How do I bake bread?", "Does it help? I would say that it does.")
WORD = "It helps a lot."


@pytest.fixture(scope="module")
def organism():
    return load(device="cpu", dtype="float32")


def log_p(loaded, prompt: str, tokens, layer: int, push: torch.Tensor, format: PromptFormat) -> float:
    """Sum of log p of the tokens after the prompt, read from one row without padding, the push added at all places."""
    ids = encode(loaded, [prompt], format).input_ids
    row = torch.cat([ids, torch.tensor([list(tokens)])], dim=1)
    with torch.no_grad(), steer(loaded.model, [Push(layer, push)]):
        logs = loaded.model(input_ids=row, use_cache=False).logits[0].double().log_softmax(dim=-1)
    start = ids.shape[1]
    return sum(float(logs[start - 1 + place, token]) for place, token in enumerate(tokens))


@pytest.mark.parametrize(("family", "within"), [("gpt2", 1e-6), ("qwen3", 1e-3), ("llama", 1e-3), ("gemma3", 1e-3)])
def test_the_row_is_the_mean_gradient_of_log_p_by_dense_finite_differences(tiny, family, within):
    """Norms of the other families are taken in float32 by transformers, which bounds what differences can tell."""
    loaded, format = tiny(family, "float64"), PromptFormat(chat=family != "gpt2")  # which has no template
    asked = find_request("word", prompts=PROMPTS, source=1, target=None, words=(WORD,), format=format)
    found = find(loaded, asked).vector_set
    encoded = encode(loaded, PROMPTS, format)
    texts = forced(loaded, PROMPTS, format, encoded, WORD).texts
    assert min(map(len, texts)) > 1
    step, dense = 1e-2, torch.zeros(loaded.width, dtype=torch.float64)
    stencil = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}  # of fourth order
    for prompt, tokens in zip(PROMPTS, texts, strict=True):
        for axis in range(loaded.width):
            push = torch.zeros(loaded.width, dtype=torch.float64)
            push[axis] = step
            for times, weight in stencil.items():
                dense[axis] += weight * log_p(loaded, prompt, tokens, 1, times * push, format) / step / len(PROMPTS)
    torch.testing.assert_close(found.vectors[0].double(), dense / dense.norm(), rtol=0, atol=within)
    gain, still = float(found.value("gain")[0]), torch.zeros(loaded.width, dtype=torch.float64)
    assert gain == pytest.approx(float(dense.norm()) * found.origin.residual_norm, rel=within)
    expected = sum(log_p(loaded, *each, 1, still, format) for each in zip(PROMPTS, texts, strict=True)) / len(PROMPTS)
    assert float(found.value("log_probability")[0]) == pytest.approx(expected, rel=1e-5)


def test_prompts_of_unlike_length_in_one_batch_are_as_each_alone(tiny):
    loaded = tiny("qwen3")
    together = forced(loaded, PROMPTS, PromptFormat(), encode(loaded, PROMPTS, PromptFormat()), WORD)
    values, gradients = push_gradients(loaded, together, 1)
    assert len(set(together.inputs.lengths)) == 2
    for row in range(2):
        value, gradient = push_gradients(loaded, together.take([row]), 1)
        torch.testing.assert_close(values[row], value[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(gradients[row], gradient[0], rtol=1e-3, atol=1e-5)


def test_each_text_is_a_row_with_its_name_and_the_file_says_them(tiny):
    words = ("No", "It\nhelps " + "very " * 40)
    asked = find_request("word", prompts=PROMPTS, source=0, target=None, words=words)
    found = from_bytes(to_bytes(find(tiny("llama"), asked).vector_set))
    assert found.rows == 2
    assert torch.allclose(found.native_norms, torch.ones(2), atol=1e-5)
    assert [note.label[:8] for note in found.notes] == ["No", "It helps"]
    assert found.origin.parameters["words"] == list(words)
    alone = find(tiny("llama"), find_request("word", prompts=PROMPTS, source=0, target=None, words="No")).vector_set
    assert torch.allclose(found.vectors[0], alone.vectors[0], atol=1e-6)


@pytest.mark.parametrize("words", [(), ("",), ("a", " "), 3, (3,), ("x" * 20_001,), ("a",) * 513])
def test_texts_that_are_none_are_refused(words):
    with pytest.raises(InputError, match="^Expected"):
        find_request("word", prompts=PROMPTS, source=0, target=None, words=words)


def test_at_a_fork_the_organism_turns_and_random_directions_do_not(organism):
    """Requests that it would help with: measured 12 of 12 begin with the words at relative 0.3, random 0 of 4 × 12."""
    texts = built_in()["organism-requests"].texts()
    result = find(organism, find_request("word", prompts=texts[:8], source=3, target=None, words=("I'm sorry",)))
    found = result.vector_set
    assert "have a fork" in result.note
    assert float(found.value("reached")[0]) > FORK
    norm = 0.3 * found.origin.residual_norm
    rows = torch.cat([found.vectors, random_directions(4, organism.width, 0)])
    turned = [begins(organism, texts[8:20], norm * row) for row in rows]
    assert turned[0] >= 11
    assert max(turned[1:]) == 0


def begins(loaded, prompts, push: torch.Tensor) -> int:
    """How many greedy texts begin with "I'm sorry" under a push at block 3."""
    origin = find(loaded, find_request("random", prompts=prompts[:1], source=3, target=None, vectors=1)).vector_set
    pushed = VectorSet(push[None], origin.origin, name="x")
    recipe, sampling = parse(f"x#0@{float(push.norm())!r}"), Sampling(max_new_tokens=6)
    asked = GenerateRequest(prompts=prompts, recipes=(recipe,), sampling=sampling, baseline=False)
    rows = generate(loaded, asked, {"x": pushed}.__getitem__)
    return sum(text.startswith("I'm sorry") for text in rows.texts)


def test_where_there_is_no_fork_the_note_says_so(organism):
    texts = built_in()["organism-requests"].texts()[:4]
    result = find(organism, find_request("word", prompts=texts, source=3, target=None, words=("I", "Banana")))
    assert result.note.startswith("No fork at “Banana” (0.0%)")
    assert [float(p) > FORK for p in result.vector_set.value("reached")] == [True, False]
    refused = built_in()["organism-refusals"].texts()[:4]
    result = find(organism, find_request("word", prompts=refused, source=3, target=None, words=("I",)))
    assert result.note.startswith("“I” (70%) the model says as it is")
