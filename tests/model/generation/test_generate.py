"""Generation: what is streamed is what is returned, and it is what a plain loop gives."""

from __future__ import annotations

import time

import pytest
import tiny_models
import torch
from hooks import hooks
from torch import Tensor, nn

from playground.core.push import Push
from playground.errors import InputError, ModelError
from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.generation import generate as generate_module
from playground.model.generation.generate import Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode

RAW = PromptFormat(chat=False)
PROMPTS = ("The quick brown fox jumps over", "Hi", "def add(a, b):")


def direction(seed: int, scale: float = 4.0) -> Tensor:
    return scale * torch.randn(tiny_models.WIDTH, generator=torch.Generator().manual_seed(seed))


PUSHES = ((), (Push(1, direction(0)),), (Push(1, direction(1)), Push(2, direction(2)), Push(2, direction(3))))


def greedy_by_hand(loaded: LoadedModel, prompt: str, pushes: tuple[Push, ...], positions: str, steps: int) -> list[int]:
    """The oracle: one row without padding or cache, every token computed again from the whole text."""
    model, ids = loaded.model, loaded.tokenizer(prompt)["input_ids"]
    blocks, length = decoder_blocks(model), len(ids)
    ends = {loaded.tokenizer.eos_token_id}
    originals = {push.layer: blocks[push.layer].forward for push in pushes}

    def patched(layer: int):
        def forward(*args, **kwargs):
            output = originals[layer](*args, **kwargs)
            stream = block_output(output).clone()
            first, last = {
                "all": (0, None), "prompt": (0, length), "last": (length - 1, length), "generated": (length, None),
                "first-3": (length, length + 3),
            }[positions]  # fmt: skip
            for push in pushes:
                if push.layer == layer:
                    stream[:, first:last] += push.vector.to(stream.dtype)
            return replace_block_output(output, stream)

        return forward

    for layer in originals:
        blocks[layer].forward = patched(layer)
    try:
        for _ in range(steps):
            token = int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
            if token in ends:
                break
            ids = [*ids, token]
    finally:
        for layer in originals:
            del blocks[layer].forward
    return ids[length:]


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-3"])
@torch.no_grad()
def test_greedy_steered_rows_equal_a_plain_loop_that_adds_and_takes_the_arg_max(tiny, architecture, positions):
    # float64 leaves no near ties; two families overflow there under padding (see test_steering).
    loaded = tiny(architecture, "float32" if architecture in ("gemma2", "bloom") else "float64")
    done = generate(loaded, encode(loaded, PROMPTS, RAW), PUSHES, positions, Sampling(max_new_tokens=8))
    for row, (prompt, pushes) in enumerate(zip(PROMPTS, PUSHES, strict=True)):
        assert list(done.token_ids[row]) == greedy_by_hand(loaded, prompt, pushes, positions, 8)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_streamed_and_whole_output_are_the_same(tiny, temperature):
    loaded = tiny("qwen3")
    prompts, sampling = encode(loaded, PROMPTS, RAW), Sampling(max_new_tokens=12, temperature=temperature)
    steps = []
    streamed = generate(loaded, prompts, PUSHES, "all", sampling, steps.append)
    whole = generate(loaded, prompts, PUSHES, "all", sampling)
    assert streamed.token_ids == whole.token_ids
    assert streamed.texts == whole.texts
    assert [step.index for step in steps] == list(range(len(steps)))
    for row in range(3):
        tokens = [step.token_ids[row] for step in steps]
        assert [token for token in tokens if token is not None] == list(whole.token_ids[row])
    assert steps[-1].texts == whole.texts


def test_a_row_that_ends_stays_ended_and_its_end_is_no_token_of_it(tiny):
    loaded = tiny("qwen3")
    prompts = encode(loaded, PROMPTS[:2], RAW)
    free = generate(loaded, prompts, [(), ()], sampling=Sampling(max_new_tokens=8))
    # Make the third token of the first row an end, as a checkpoint's generation settings can.
    end = free.token_ids[0][2]
    before = loaded.model.generation_config.eos_token_id
    loaded.model.generation_config.eos_token_id = [end, 401]
    steps = []
    try:
        done = generate(loaded, prompts, [(), ()], sampling=Sampling(max_new_tokens=8), on_step=steps.append)
    finally:
        loaded.model.generation_config.eos_token_id = before
    first = free.token_ids[0].index(end)
    assert done.token_ids[0] == free.token_ids[0][:first]
    assert done.finished[0]
    assert all(step.token_ids[0] is None for step in steps[first:])
    assert not done.cancelled


def test_an_unsteered_row_gives_the_same_text_whatever_is_steered_beside_it(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, [PROMPTS[0]] * 3, RAW)
    for sampling in (Sampling(10), Sampling(10, temperature=1.0, seed=5)):
        plain = generate(loaded, prompts.take([0]), [()], sampling=sampling)
        beside = generate(loaded, prompts, [PUSHES[2], (), PUSHES[1]], sampling=sampling)
        assert beside.token_ids[1] == plain.token_ids[0]


def test_a_seed_gives_the_same_samples_again_and_another_seed_others(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, [PROMPTS[0]] * 4, RAW)
    sampling = Sampling(10, temperature=1.5, top_p=0.9, seed=3)
    torch.manual_seed(1)
    once = generate(loaded, prompts, [()] * 4, sampling=sampling)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = generate(loaded, prompts, [()] * 4, sampling=sampling)
    assert once.token_ids == again.token_ids
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's random numbers are used
    assert len(set(once.token_ids)) == 4  # samples of one prompt differ
    other = generate(loaded, prompts, [()] * 4, sampling=Sampling(10, temperature=1.5, top_p=0.9, seed=4))
    assert not set(once.token_ids) & set(other.token_ids)


def test_decoding_defaults_of_a_checkpoint_are_not_used(tiny):
    loaded = tiny("qwen2")
    prompts = encode(loaded, PROMPTS, RAW)
    plain = generate(loaded, prompts, PUSHES, sampling=Sampling(12))
    settings = loaded.model.generation_config
    changes = {"repetition_penalty": 1.7, "do_sample": True, "temperature": 3.0, "no_repeat_ngram_size": 1, "top_k": 2}
    before = {name: getattr(settings, name) for name in changes}
    settings.update(**changes)
    try:
        assert generate(loaded, prompts, PUSHES, sampling=Sampling(12)).token_ids == plain.token_ids
        assert loaded.model.generation_config is settings
        assert settings.repetition_penalty == 1.7
    finally:
        settings.update(**before)


def test_stop_takes_effect_within_one_token(tiny):
    loaded = tiny("llama")
    steps = []
    done = generate(
        loaded, encode(loaded, PROMPTS[:1], RAW), [()], "all", Sampling(200), steps.append, lambda: len(steps) >= 3
    )
    assert done.cancelled
    assert len(steps) in (3, 4)
    assert len(done.token_ids[0]) == len(steps)
    assert done.texts[0] == steps[-1].texts[0]


def test_stopped_before_it_began_it_returns_empty_rows(tiny):
    loaded = tiny("llama")
    done = generate(loaded, encode(loaded, PROMPTS, RAW), PUSHES, cancelled=lambda: True)
    assert done.cancelled
    assert done.token_ids == ((), (), ())
    assert done.texts == ("", "", "")
    assert done.tokens_per_second == 0


def test_the_model_is_as_before_when_a_listener_raises(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, PROMPTS, RAW)
    plain = generate(loaded, prompts, [()] * 3, sampling=Sampling(5))
    hooks_before = hooks(loaded.model)

    def fail(step: object) -> None:
        raise RuntimeError("listener")

    with pytest.raises(RuntimeError, match="listener"):
        generate(loaded, prompts, PUSHES, sampling=Sampling(5), on_step=fail)
    assert generate(loaded, prompts, [()] * 3, sampling=Sampling(5)).token_ids == plain.token_ids
    assert hooks(loaded.model) == hooks_before


def test_memory_that_runs_out_is_one_sentence(tiny, monkeypatch):
    loaded = tiny("llama")

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(loaded.model, "generate", full)
    with pytest.raises(ModelError, match="Expected room for 3 texts on cpu, but its memory ran out; ask for fewer"):
        generate(loaded, encode(loaded, PROMPTS, RAW), PUSHES)


def test_texts_longer_than_the_model_reads_are_refused(tiny):
    loaded = tiny("gpt2")
    prompts = encode(loaded, PROMPTS[:1], RAW)
    room = tiny_models.MAX_POSITIONS - prompts.lengths[0]
    with pytest.raises(InputError, match="Expected at most 256 tokens, .* ask for fewer new tokens"):
        generate(loaded, prompts, [()], sampling=Sampling(room + 1))


@pytest.mark.parametrize(
    ("pushes", "message"),
    [
        ([()], "Expected pushes for each of 3 rows, got 1"),
        ([(), (), (Push(4, direction(0)),)], "Expected a block from 0 to 3, got 4"),
        ([(), (), (Push(1, torch.ones(16)),)], "Expected a direction of width 32 at block 1"),
        ([(), (), (Push(1, torch.ones(2, 32)),)], r"Expected one direction for a row, got shape \(2, 32\)"),
        ([(), (Push(1, torch.ones(8)),), (Push(1, torch.ones(32)),)], "Expected directions of one width, got 8, 32"),
    ],
)
def test_pushes_that_do_not_fit_are_refused(tiny, pushes, message):
    loaded = tiny("llama")
    with pytest.raises(InputError, match=message):
        generate(loaded, encode(loaded, PROMPTS, RAW), pushes)


def test_the_prompt_is_steered_as_a_whole_also_beside_longer_ones(tiny):
    """Padding is not a part of the prompt: alone or padded, a prompt-only push gives the same tokens."""
    loaded = tiny("qwen3", "float64")
    together = generate(loaded, encode(loaded, PROMPTS, RAW), [PUSHES[2]] * 3, "prompt", Sampling(6))
    for row, prompt in enumerate(PROMPTS):
        alone = generate(loaded, encode(loaded, [prompt], RAW), [PUSHES[2]], "prompt", Sampling(6))
        assert alone.token_ids[0] == together.token_ids[row]


def test_hooks_read_nothing_back_from_the_device(tiny, monkeypatch):
    """A hook that waits for the device at every token would halve the speed of a GPU."""
    loaded = tiny("llama")
    prompts = encode(loaded, PROMPTS, RAW)
    reads = []
    inside = []
    for name in ("item", "tolist", "cpu", "__bool__", "numpy"):
        original = getattr(torch.Tensor, name)

        def spy(tensor, *args, _original=original, _name=name, **kwargs):
            if inside:
                reads.append(_name)
            return _original(tensor, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, spy)
    from playground.model import steering

    original_call = steering._Change.__call__

    def call(self, *args):
        inside.append(1)
        try:
            return original_call(self, *args)
        finally:
            inside.pop()

    monkeypatch.setattr(steering._Change, "__call__", call)
    for positions in ("all", "prompt", "generated"):
        generate(loaded, prompts, PUSHES, positions, Sampling(4))
    assert reads == []


def test_seconds_and_tokens_per_second_belong_together(tiny):
    loaded = tiny("llama")
    begun = time.perf_counter()
    done = generate(loaded, encode(loaded, PROMPTS, RAW), PUSHES, sampling=Sampling(5))
    assert 0 < done.seconds <= time.perf_counter() - begun
    assert done.tokens_per_second == pytest.approx(sum(map(len, done.token_ids)) / done.seconds)


def test_what_is_not_set_is_greedy(tiny):
    loaded = tiny("llama")
    prompts = encode(loaded, PROMPTS, RAW)
    assert generate(loaded, prompts, PUSHES).token_ids == generate(loaded, prompts, PUSHES, "all", Sampling()).token_ids
    assert isinstance(generate_module.Sampling(), Sampling)
    assert isinstance(loaded.model, nn.Module)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_ends_where_its_numbers_are_not_finite_and_the_others_go_on(tiny, temperature):
    loaded = tiny("qwen3")
    encoded, sampling = encode(loaded, PROMPTS[:2], RAW), Sampling(max_new_tokens=6, temperature=temperature)
    plain = generate(loaded, encoded, [(), ()], sampling=sampling)
    steps, calls = [], 0

    def spoil(module: nn.Module, given: object, output: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            output[1] = torch.nan
        return output

    handle = loaded.model.get_output_embeddings().register_forward_hook(spoil)
    try:
        done = generate(loaded, encoded, [(), ()], sampling=sampling, on_step=steps.append)
    finally:
        handle.remove()
    assert (plain.overflowed, done.overflowed) == ((False, False), (False, True))
    assert done.token_ids == (plain.token_ids[0], plain.token_ids[1][:3])
    assert not done.finished[1]
    assert not done.cancelled
    assert [step.token_ids[1] is None for step in steps] == [False, False, False, True, True, True]


def test_a_push_too_large_for_the_norms_gives_no_text(tiny):
    loaded = tiny("qwen3")
    encoded, steps = encode(loaded, PROMPTS[:2], RAW), []
    done = generate(
        loaded, encoded, [(), (Push(1, direction(0, 1e30)),)], sampling=Sampling(max_new_tokens=4),
        on_step=steps.append,
    )  # fmt: skip
    assert done.overflowed == (False, True)
    assert (len(done.token_ids[0]), done.texts[1]) == (4, "")
    alone = generate(loaded, encoded.take([1]), [(Push(1, direction(0, 1e30)),)], sampling=Sampling(max_new_tokens=4))
    assert alone.overflowed == (True,)
    assert alone.token_ids == ((),)
