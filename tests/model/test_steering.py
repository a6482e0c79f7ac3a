"""Steering adds exactly what it says, where it says, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tiny_families
import tiny_models
import torch
from hooks import hooks
from torch import Tensor, nn

from playground.core.clamp import ablation, bounded
from playground.core.edit import Edit
from playground.core.push import Push
from playground.errors import InputError
from playground.model.blocks import block_output, decoder, decoder_blocks, replace_block_output
from playground.model.row_pushes import batch_edits
from playground.model.steering import capture_block_inputs, read_residuals, steer

LENGTH = 9
PROMPT = 6


def inputs(
    model: nn.Module, rows: int = 2, padding: tuple[int, ...] = (0, 3), length: int = LENGTH
) -> dict[str, Tensor]:
    """Token ids, left-padded, and the positions that go with them."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(5, 300, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    for row, pads in enumerate(padding[:rows]):
        mask[row, :pads] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    if type(model).__name__ != "BloomForCausalLM":  # ALiBi counts from the mask
        given["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    return given


def precision(architecture: str) -> tuple[str, float]:
    """The dtype to test in and a tolerance for logits of size 10.

    Two families compute their softmax in float32, where the float64 mask of a padding row overflows to NaN.
    """
    return ("float32", 2e-4) if architecture in ("gemma2", "bloom") else ("float64", 1e-9)


def direction(seed: int, *shape: int, scale: float = 3.0) -> Tensor:
    return scale * torch.randn(*shape, tiny_models.WIDTH, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def by_hand(
    model: nn.Module, given: dict[str, Tensor], additions: dict[int, Tensor | Callable[[Tensor], Tensor]]
) -> tuple[list[Tensor], Tensor]:
    """The oracle: block by block, in a loop of our own, with (B, T, d) added after the blocks named, or what a function
    makes of the stream there.
    """
    with capture_block_inputs(model, range(tiny_models.BLOCKS), stop=False) as calls:
        model(**given, use_cache=False)
    stream, streams = calls[0].hidden_states, []
    for layer, block in enumerate(decoder_blocks(model)):
        stream = calls[layer](block, stream)
        if layer in additions:
            change = additions[layer]
            stream = change(stream) if callable(change) else stream + change
        streams.append(stream)
    body = decoder(model)
    norm = next(
        getattr(body, name) for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm") if hasattr(body, name)
    )
    return streams, model.get_output_embeddings()(norm(stream))

SPANS = {
    "all": (0, None), "prompt": (0, PROMPT), "last": (PROMPT - 1, PROMPT), "generated": (PROMPT, None),
    "first-2": (PROMPT, PROMPT + 2),
}  # fmt: skip



@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-2"])
def test_each_architecture_agrees_with_a_plain_loop_over_its_blocks(tiny, architecture, positions):
    dtype, tolerance = precision(architecture)
    model = tiny(architecture, dtype).model
    given = inputs(model)
    pushes = [Push(1, direction(0)), Push(2, direction(1, 2))]
    places = torch.zeros(LENGTH, 1)
    places[slice(*SPANS[positions])] = 1
    expected, logits = by_hand(model, given, {1: places * pushes[0].vector, 2: places * pushes[1].vector[:, None]})
    with torch.no_grad(), steer(model, pushes, positions, PROMPT), read_residuals(model, range(4)) as read:
        got = model(**given, use_cache=False).logits
    for layer in range(4):
        torch.testing.assert_close(read[layer], expected[layer], rtol=tolerance, atol=tolerance)
    if architecture != "gemma2":  # whose logits are capped after the head
        torch.testing.assert_close(got, logits, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen3_moe", "bloom"])
@pytest.mark.parametrize("positions", ["all", "last", "generated"])
def test_what_is_taken_out_and_held_agrees_with_a_plain_loop(tiny, architecture, positions):
    """Row 0: a span of two is ablated at block 1, then a direction added; row 1: a component is capped at block 2."""
    dtype, tolerance = precision(architecture)
    model = tiny(architecture, dtype).model
    given, (first, second, third, added) = inputs(model), direction(7, 4).double()
    unit = third / third.norm()
    q = torch.linalg.qr(torch.stack([first, second]).T).Q
    both = torch.stack([first, second])
    rows: list[list[Edit]] = [[ablation(1, both), Push(1, added)], [bounded(2, third, high=-0.5)]]
    inside = torch.zeros(LENGTH, 1, dtype=torch.bool)
    inside[slice(*SPANS[positions])] = True

    def ablated(stream: Tensor) -> Tensor:
        changed = stream - stream @ q.to(stream) @ q.T.to(stream) + added.to(stream)
        return torch.stack([torch.where(inside, changed[0], stream[0]), stream[1]])

    def capped(stream: Tensor) -> Tensor:
        along = stream @ unit.to(stream)
        changed = stream - (along + 0.5).clamp(min=0)[..., None] * unit.to(stream)
        return torch.stack([stream[0], torch.where(inside, changed[1], stream[1])])

    expected, _ = by_hand(model, given, {1: ablated, 2: capped})
    with torch.no_grad(), steer(model, batch_edits(rows), positions, PROMPT), read_residuals(model, range(4)) as read:
        model(**given, use_cache=False)
    for layer in range(4):
        torch.testing.assert_close(read[layer], expected[layer], rtol=tolerance, atol=tolerance)


def test_a_row_without_a_clamp_is_bit_equal_to_the_same_row_of_an_unsteered_batch(tiny):
    model = tiny("llama", "bfloat16").model
    given = inputs(model)
    with torch.no_grad():
        plain = model(**given, use_cache=False).logits
        with steer(model, batch_edits([[], [ablation(1, direction(3, 2))]])):
            held = model(**given, use_cache=False).logits
    assert torch.equal(held[0], plain[0])
    assert not torch.equal(held[1], plain[1])


def test_a_clamp_of_another_width_or_block_is_refused(tiny):
    model = tiny("llama").model
    with pytest.raises(InputError, match="block from 0 to 3, got 4"), steer(model, [ablation(4, direction(3, 1))]):
        pass
    with pytest.raises(InputError, match="width 32 at block 1, got 5"), steer(model, [ablation(1, torch.ones(1, 5))]):
        pass


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-2"])
def test_with_a_cache_the_first_pass_is_the_prompt_and_the_rest_is_generated(tiny, architecture, positions):
    dtype, tolerance = precision(architecture)
    model = tiny(architecture, dtype).model
    given = inputs(model)
    with torch.no_grad(), steer(model, [Push(2, direction(5, 2))], positions, PROMPT):
        whole = model(**given, use_cache=False).logits
    with torch.no_grad(), steer(model, [Push(2, direction(5, 2))], positions):
        for _ in range(2):  # a second prompt starts again
            cache, pieces = None, []
            for first, last in [(0, PROMPT)] + [(place, place + 1) for place in range(PROMPT, LENGTH)]:
                piece = {name: tensor[:, first:last] for name, tensor in given.items()}
                piece["attention_mask"] = given["attention_mask"][:, :last]
                output = model(**piece, past_key_values=cache, use_cache=True)
                cache = output.past_key_values
                pieces.append(output.logits)
            real = given["attention_mask"].bool()
            torch.testing.assert_close(torch.cat(pieces, 1)[real], whole[real], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("family", ["mamba", "mamba2", "falcon_mamba"])
@pytest.mark.parametrize("positions", ["prompt", "generated"])
def test_tokens_are_counted_where_a_cache_does_not_tell_how_many_it_holds(family, positions):
    model = tiny_families.model_of(family)
    ids = inputs(model, rows=1)["input_ids"]
    with torch.no_grad(), steer(model, [Push(2, direction(5))], positions, PROMPT):
        whole = model(input_ids=ids, use_cache=False).logits
    with torch.no_grad(), steer(model, [Push(2, direction(5))], positions):
        for _ in range(2):  # a second prompt starts again
            cache, pieces = None, []
            for first, last in [(0, PROMPT)] + [(place, place + 1) for place in range(PROMPT, LENGTH)]:
                output = model(input_ids=ids[:, first:last], cache_params=cache, use_cache=True)
                cache = output.cache_params
                pieces.append(output.logits)
            torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=2e-4, atol=2e-4)


MIXTURES = {"qwen3_moe"}
"""Mixtures of experts: an expert multiplies the tokens of all rows that chose it at once, so that what the other rows
choose changes the shape of that product, and on some processors its last bits.
"""


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_row_of_zeros_is_bit_equal_to_the_same_row_of_an_unsteered_batch(tiny, architecture, dtype):
    model = tiny(architecture, dtype).model
    given = inputs(model)
    vectors = torch.stack([torch.zeros(tiny_models.WIDTH), direction(2)])
    with torch.no_grad():
        plain = model(**given).logits
        with steer(model, [Push(1, vectors), Push(3, vectors)]):
            steered = model(**given).logits
    if architecture in MIXTURES:
        rounding = 16 * torch.finfo(plain.dtype).eps
        torch.testing.assert_close(plain[0], steered[0], rtol=rounding, atol=rounding * float(plain.abs().max()))
    else:
        assert torch.equal(plain[0], steered[0])
    assert not torch.allclose(plain[1], steered[1], atol=1e-2)


def test_left_padding_changes_nothing_for_the_tokens_themselves(tiny):
    model = tiny("qwen3", "float64").model
    given = inputs(model, rows=1, padding=(0,), length=PROMPT)
    padded = {name: nn.functional.pad(tensor, (4, 0)) for name, tensor in given.items()}
    with torch.no_grad(), steer(model, [Push(1, direction(4))], "prompt"):
        alone, shifted = model(**given).logits, model(**padded).logits
    torch.testing.assert_close(shifted[:, 4:], alone, rtol=1e-9, atol=1e-9)


def test_pushes_at_one_block_add_up_and_so_do_nested_blocks(tiny):
    model = tiny("llama", "float64").model
    given = inputs(model)
    one, two = direction(6).double(), direction(7, 2).double()
    with torch.no_grad():
        with steer(model, [Push(1, one + two)]):
            together = model(**given).logits
        with steer(model, [Push(1, one), Push(1, two)]):
            listed = model(**given).logits
        with steer(model, [Push(1, one)]), steer(model, [Push(1, two)]):
            nested = model(**given).logits
        with steer(model, []):
            nothing = model(**given).logits
        plain = model(**given).logits
    torch.testing.assert_close(listed, together, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(nested, together, rtol=1e-10, atol=1e-10)
    assert torch.equal(nothing, plain)


def test_pushes_are_summed_in_float32_before_they_are_cast(tiny):
    model = tiny("llama", "bfloat16").model
    given = inputs(model)
    big = torch.full((tiny_models.WIDTH,), 256.0)
    small = direction(8)
    with torch.no_grad():
        # In bfloat16 256 + small − 256 would keep nothing of entries below 1.
        with steer(model, [Push(1, big), Push(1, small), Push(1, -big)]), read_residuals(model, [1]) as several:
            model(**given)
        with steer(model, [Push(1, (big + small) - big)]), read_residuals(model, [1]) as single:
            model(**given)
    assert torch.equal(several[1], single[1])


@pytest.mark.parametrize("order", ["read first", "steer first", "hidden states first"])
def test_readers_see_the_steering_whatever_came_first(tiny, order):
    model = tiny("qwen2").model
    given = inputs(model)
    push = Push(1, direction(9))
    with torch.no_grad():
        with read_residuals(model, [1]) as read:
            states = model(**given, output_hidden_states=True).hidden_states
        expected = states[2] + push.vector
        first, second = steer(model, [push]), read_residuals(model, [1])
        if order == "read first":
            with second as read, first:
                states = model(**given, output_hidden_states=True).hidden_states
        else:
            with first, second as read:
                states = model(**given, output_hidden_states=True).hidden_states
    assert torch.equal(read[1], expected)
    assert torch.equal(states[2], expected)


def test_hooks_are_gone_when_the_forward_pass_raises(tiny):
    model = tiny("llama").model
    before = hooks(model)
    blocks = decoder_blocks(model)

    def fail(*_: object) -> None:
        raise RuntimeError("inside a block")

    handle = blocks[2].register_forward_hook(fail)
    try:
        with (
            pytest.raises(RuntimeError, match="inside a block"),
            steer(model, [Push(1, direction(0)), Push(3, direction(1))], "prompt"),
            read_residuals(model, [0, 1]),
            capture_block_inputs(model, [0, 3]),
        ):
            model(**inputs(model))
    finally:
        handle.remove()
    assert hooks(model) == before


def test_hooks_are_gone_when_a_hook_of_ours_raises(tiny):
    model = tiny("llama").model
    before = hooks(model)
    with (
        pytest.raises(InputError, match="Expected one direction for each of the 2 rows of the batch at block 1, got 3"),
        steer(model, [Push(1, direction(0, 3))]),
    ):
        model(**inputs(model))
    assert hooks(model) == before


def test_hooks_are_gone_when_installing_stops_half_way(tiny, monkeypatch):
    model = tiny("llama").model
    before = hooks(model)
    blocks = decoder_blocks(model)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no more hooks")

    monkeypatch.setattr(blocks[3], "register_forward_hook", fail)
    monkeypatch.setattr(blocks[3], "register_forward_pre_hook", fail)
    with (
        pytest.raises(RuntimeError, match="no more hooks"),
        steer(model, [Push(0, direction(0)), Push(3, direction(1))]),
    ):
        pass
    with pytest.raises(RuntimeError, match="no more hooks"), read_residuals(model, [0, 3]):
        pass
    with pytest.raises(RuntimeError, match="no more hooks"), capture_block_inputs(model, [0, 3]):
        pass
    monkeypatch.undo()
    assert hooks(model) == before
    with pytest.raises(InputError, match="Expected a block from 0 to 3, got 7"), read_residuals(model, [0, 7]):
        pass
    assert hooks(model) == before


@pytest.mark.parametrize(
    ("pushes", "positions", "message"),
    [
        ([Push(4, direction(0))], "all", "Expected a block from 0 to 3, got 4"),
        ([Push(1, torch.ones(31))], "all", r"Expected a direction of width 32 at block 1, got shape \(31,\)"),
        ([Push(1, direction(0, 2)), Push(1, direction(0, 3))], "all", "for the same rows at block 1, got 2 and 3 rows"),
        (
            [Push(1, direction(0))],
            "everywhere",
            "Expected positions all, prompt, last, generated or first-N .*, got 'everywhere'",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused_before_any_hook(tiny, pushes, positions, message):
    model = tiny("llama").model
    before = hooks(model)
    with pytest.raises(InputError, match=message), steer(model, pushes, positions):
        pytest.fail("entered")
    assert hooks(model) == before


def test_the_direction_keeps_its_gradient(tiny):
    model = tiny("llama").model
    vector = direction(1).requires_grad_()
    with steer(model, [Push(1, vector)]):
        model(**inputs(model)).logits.sum().backward()
    assert vector.grad is not None
    assert vector.grad.norm() > 0


def test_the_pass_ends_before_the_last_block_asked_for(tiny):
    model = tiny("gemma2").model
    ran = []
    handles = [
        block.register_forward_hook(lambda *_, layer=layer: ran.append(layer))
        for layer, block in enumerate(decoder_blocks(model))
    ]
    with torch.no_grad():
        plain = model(**inputs(model), output_hidden_states=True).hidden_states
        ran.clear()
        with capture_block_inputs(model, [1, 2]) as calls:
            model(**inputs(model), use_cache=False)
            pytest.fail("went on after the model's call")
    for handle in handles:
        handle.remove()
    assert ran == [0, 1]
    assert sorted(calls) == [1, 2]
    assert torch.equal(calls[2].hidden_states, plain[2])
    # Sliding and full attention alternate, so the two masks differ: the window is shorter than the text.
    assert not torch.equal(calls[1].kwargs["attention_mask"], calls[2].kwargs["attention_mask"])
    with torch.no_grad():
        again = calls[2](decoder_blocks(model)[2], calls[2].hidden_states)
    assert torch.equal(again, plain[3])


def test_an_offloaded_model_is_steered_like_any_other(tiny, tiny_path):
    from accelerate import cpu_offload
    from transformers import AutoModelForCausalLM

    reference = tiny("qwen3").model
    model = AutoModelForCausalLM.from_pretrained(tiny_path("qwen3"), dtype=torch.float32).eval()
    cpu_offload(model, torch.device("cpu"))
    assert next(model.parameters()).device.type == "meta"
    given = inputs(model)
    pushes = [Push(1, direction(0, 2)), Push(2, direction(1))]
    before = hooks(model)
    with torch.no_grad():
        with steer(reference, pushes, "prompt", PROMPT):
            expected = reference(**given).logits
        with steer(model, pushes, "prompt", PROMPT):
            got = model(**given).logits
    torch.testing.assert_close(got, expected)
    assert hooks(model) == before


def test_tuples_are_replaced_in_their_own_form(tiny):
    block = decoder_blocks(tiny("falcon").model)[0]
    output = (torch.zeros(1, 1, 2), None)
    assert isinstance(block, nn.Module)
    assert replace_block_output(output, torch.ones(1, 1, 2))[1] is None
    assert block_output(output) is output[0]
