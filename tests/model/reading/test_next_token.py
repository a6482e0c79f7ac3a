"""The next token's logits, for many rows at once."""

from __future__ import annotations

import pytest
import tiny_models
import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import InputError
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import Encoded, PromptFormat, encode, forward_inputs
from playground.model.reading import next_token
from playground.model.reading.next_token import next_logits
from playground.model.steering import steer

RAW = PromptFormat(chat=False)
PROMPT = "The quick brown fox jumps over"


def direction(seed: int, scale: float = 3.0) -> Tensor:
    return scale * torch.randn(tiny_models.WIDTH, generator=torch.Generator().manual_seed(seed))


PUSHES = ((), (Push(1, direction(0)),), (Push(1, direction(1)), Push(2, direction(2))), (Push(3, direction(3)),))


@torch.no_grad()
def one_by_one(loaded, prompts: Encoded, pushes, positions: str, generated: int = 0) -> Tensor:
    rows = []
    for row, steered_at in enumerate(pushes):
        alone = prompts.take([row])
        with steer(loaded.model, steered_at, positions, alone.lengths[0] - generated):
            rows.append(loaded.model(**forward_inputs(loaded, alone), use_cache=False).logits[0, -1].float())
    return torch.stack(rows)


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-1"])
def test_rows_that_share_a_prompt_give_what_each_gives_alone(tiny, architecture, positions):
    loaded = tiny(architecture)
    prompts = encode(loaded, [PROMPT], RAW).take([0] * 4)
    for generated in (0, 2):
        got = next_logits(loaded, prompts, PUSHES, positions, generated)
        assert got.dtype == torch.float32
        assert got.device.type == "cpu"
        expected = one_by_one(loaded, prompts, PUSHES, positions, generated)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "bloom", "gemma3"])
def test_different_prompts_are_padded_and_keep_their_own_logits(tiny, architecture):
    loaded = tiny(architecture)
    prompts = encode(loaded, [PROMPT, "Hi you", PROMPT, "def add(a, b):"], RAW)
    got = next_logits(loaded, prompts, PUSHES)
    torch.testing.assert_close(got, one_by_one(loaded, prompts, PUSHES, "all"), rtol=1e-4, atol=1e-4)


def test_the_likeliest_token_is_what_greedy_decoding_takes(tiny):
    loaded = tiny("qwen3")
    prompts = encode(loaded, [PROMPT], RAW).take([0] * 4)
    chosen = next_logits(loaded, prompts, PUSHES).argmax(dim=-1).tolist()
    done = generate(loaded, prompts, PUSHES, sampling=Sampling(1))
    assert [row[0] for row in done.token_ids] == chosen


def test_before_anything_is_generated_a_push_on_generated_tokens_does_nothing(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, [PROMPT], RAW).take([0] * 4)
    got = next_logits(loaded, prompts, PUSHES, "generated")
    assert torch.equal(got, next_logits(loaded, prompts, [()] * 4))


def test_equal_rows_run_once_and_the_blocks_before_the_first_push_once_for_all(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, [PROMPT], RAW).take([0] * 6)
    zero = Push(1, torch.zeros(tiny_models.WIDTH))
    sizes = []
    handles = [
        block.register_forward_hook(lambda module, args, output: sizes.append(len(output)))
        for block in loaded.model.model.layers
    ]
    try:
        got = next_logits(loaded, prompts, [(), (zero,), PUSHES[2], PUSHES[2], PUSHES[1], ()])
    finally:
        for handle in handles:
            handle.remove()
    assert sizes == [1, 3, 3, 3]  # steered at block 1: unsteered, and two different pushes
    assert torch.equal(got[0], got[1])
    assert torch.equal(got[0], got[5])
    assert torch.equal(got[2], got[3])


def test_many_rows_are_taken_in_parts(tiny, monkeypatch):
    loaded = tiny("llama")
    prompts = encode(loaded, [PROMPT], RAW).take([0] * 7)
    pushes = [(Push(1, direction(seed)),) for seed in range(7)]
    whole = next_logits(loaded, prompts, pushes)
    monkeypatch.setattr(next_token, "_TOKENS", 2 * prompts.input_ids.shape[1])
    torch.testing.assert_close(next_logits(loaded, prompts, pushes), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("pushes", "generated", "message"),
    [
        ([()], 0, "Expected pushes for each of 2 rows, got 1"),
        ([(), ()], 9_999, r"Expected from 0 to \d+ generated tokens, got 9999"),
        ([(), (Push(9, direction(0)),)], 0, "Expected a block from 0 to 3, got 9"),
        ([(Push(0, direction(0)),), (Push(0, torch.ones(8)),)], 0, "Expected directions of one width, got 8, 32"),
    ],
)
@pytest.mark.parametrize("positions", ["all", "generated"])
def test_pushes_that_do_not_fit_are_refused(tiny, pushes, generated, message, positions):
    loaded = tiny("llama")
    with pytest.raises(InputError, match=message):
        next_logits(loaded, encode(loaded, [PROMPT, PROMPT], RAW), pushes, positions, generated)
