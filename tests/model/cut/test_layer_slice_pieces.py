"""Pieces, all positions, steered points, weights and metrics, against the whole model one prompt at a time."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import torch
from hooks import hooks
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.cut import chunk as chunk_module
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode

RAW = PromptFormat(chat=False)
PROMPTS = ("The quick brown fox jumps over the lazy dog", "Hi there", "def add(a, b): return a + b")
SOURCE, TARGET = 1, 3
ROUNDING = {"rtol": 1e-5, "atol": 2e-6}  # norms and softmax of most families are float32, also in a float64 model
SINGLE = {"rtol": 1e-4, "atol": 1e-4}


def slice_of(loaded: LoadedModel, tokens: int | None = None, prompts=PROMPTS, **changes) -> LayerSlice:
    return LayerSlice.prepare(loaded, encode(loaded, prompts, RAW), SOURCE, TARGET, tokens, **changes)


def whole(loaded: LoadedModel, prompt: str, *added: tuple[int, Tensor]) -> Tensor:
    """The oracle, (T, d): the whole model on one prompt without padding, vectors added to the outputs of blocks."""
    seen = {}
    blocks = decoder_blocks(loaded.model)
    with ExitStack() as undone:
        for layer, vector in added:

            def add(module, args, output, vector=vector):
                stream = block_output(output)
                return replace_block_output(output, stream + vector.to(stream.dtype))

            undone.callback(blocks[layer].register_forward_hook(add).remove)
        read = blocks[TARGET].register_forward_hook(lambda _, __, output: seen.update(stream=block_output(output)))
        undone.callback(read.remove)
        loaded.model(input_ids=encode(loaded, [prompt], RAW).input_ids, use_cache=False)
    return seen["stream"][0]


def dense(loaded: LoadedModel, tokens: int | None = None, added=()) -> Tensor:
    """(n, K, d, d) in float64: the Jacobian of every prompt; shorter ones begin with zeros when all is read."""
    parts = []
    for prompt in PROMPTS:
        with sdpa_kernel(SDPBackend.MATH):  # the kernel that takes a batch of gradients
            parts.append(
                torch.autograd.functional.jacobian(
                    lambda theta, prompt=prompt: whole(loaded, prompt, (SOURCE, theta), *added),
                    torch.zeros(loaded.width, dtype=torch.float64),
                    vectorize=True,
                )
            )
    if tokens is not None:
        return torch.stack([part[-tokens:] for part in parts])
    longest = max(map(len, parts))
    return torch.stack([torch.cat([part.new_zeros(longest - len(part), *part.shape[1:]), part]) for part in parts])


def flat(jacobians: Tensor) -> Tensor:
    return jacobians.flatten(0, 2) / len(jacobians) ** 0.5


def directions(count: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


STEERED = [0, SOURCE, SOURCE + 1, TARGET]


@pytest.fixture
def pushes():
    return [Push(layer, vector) for layer, vector in zip(STEERED, directions(4, 32, seed=5), strict=True)]


@pytest.mark.parametrize("name", ["qwen3", "gpt2", "gemma3", "bloom", "falcon"])
@pytest.mark.parametrize("tokens", [None, 2])
def test_pieces_are_the_whole_model_with_each_direction_added(tiny, name, tokens):
    loaded = tiny(name)
    thetas = directions(3, loaded.width).float()
    pieces = slice_of(loaded, tokens).pieces(3)
    assert sorted(prompt for piece in pieces for prompt in piece.prompts) == [0, 1, 2]
    for piece in pieces:
        states = piece.run(thetas)
        assert states.shape[:2] == (3, len(piece.prompts))
        assert piece.mask.shape == states.shape[1:3]
        for place, prompt in enumerate(piece.prompts):
            real = piece.mask[place]
            assert not states[:, place, ~real].any()
            assert not piece.still[place, ~real].any()
            for copy, theta in enumerate(thetas):
                expected = whole(loaded, PROMPTS[prompt], (SOURCE, theta))[-int(real.sum()) :]
                torch.testing.assert_close(states[copy, place, real], expected, **SINGLE)
            still = whole(loaded, PROMPTS[prompt])[-int(real.sum()) :]
            torch.testing.assert_close(piece.still[place, real], still, **SINGLE)


def test_all_real_positions_are_read_and_no_other(tiny):
    loaded = tiny("qwen3")
    cut = slice_of(loaded)
    lengths = encode(loaded, PROMPTS, RAW).lengths
    (piece,) = cut.pieces(2)
    assert {p: int(row.sum()) for p, row in zip(piece.prompts, piece.mask, strict=True)} == dict(enumerate(lengths))
    assert cut.positions == max(lengths)


@pytest.mark.parametrize("copies", [1, 3])
def test_no_push_is_no_displacement_to_the_last_bit(tiny, copies):
    for piece in slice_of(tiny("qwen3")).pieces(copies):
        assert torch.equal(piece.run(torch.zeros(copies, 32)), piece.still.expand(copies, -1, -1, -1))


def test_gradients_of_copies_are_those_of_each_by_itself(tiny):
    loaded = tiny("qwen3")
    cut = slice_of(loaded)
    theta = directions(3, loaded.width).float().requires_grad_()
    total = sum((piece.run(theta) - piece.still).square().sum() for piece in cut.pieces(3))
    (together,) = torch.autograd.grad(total, theta)
    for row in range(3):
        alone = theta[row].detach().clone().requires_grad_()
        total = sum((whole(loaded, p, (SOURCE, alone)) - whole(loaded, p)).square().sum() for p in PROMPTS)
        torch.testing.assert_close(together[row], torch.autograd.grad(total, alone)[0], rtol=1e-3, atol=1e-3)


def test_what_is_in_the_padding_reaches_nobody(tiny):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS, RAW)
    other = encoded.input_ids.clone()
    other[encoded.attention_mask == 0] = 77
    changed = LayerSlice.prepare(
        loaded, type(encoded)(other, encoded.attention_mask, encoded.lengths), SOURCE, TARGET, None
    )
    theta = directions(2, loaded.width).float()
    torch.testing.assert_close(changed(theta), slice_of(loaded)(theta), **SINGLE)


def test_a_small_budget_puts_fewer_prompts_into_a_piece_and_changes_nothing(tiny):
    loaded = tiny("qwen3")
    theta = directions(4, loaded.width).float()
    roomy, tight = slice_of(loaded), slice_of(loaded, memory_budget=2**20)
    assert len(roomy.pieces(4)) == 1
    assert [len(piece.prompts) for piece in tight.pieces(4)] == [1, 1, 1]
    torch.testing.assert_close(tight(theta), roomy(theta), **SINGLE)


def test_more_copies_put_fewer_prompts_into_a_piece(tiny, monkeypatch):
    cut = slice_of(tiny("qwen3"), prompts=[letter + PROMPTS[0] for letter in "abcdefghijkl"])  # that share no beginning
    longest = cut.positions
    monkeypatch.setitem(chunk_module._CHUNK_TOKENS, "cpu", 8 * longest)
    assert max(len(piece.prompts) for piece in cut.pieces(2)) == 4
    assert max(len(piece.prompts) for piece in cut.pieces(4)) == 2
    assert max(len(piece.prompts) for piece in cut.pieces(100)) == 1


def test_pieces_of_one_size_are_kept_and_refuse_another(tiny):
    cut = slice_of(tiny("qwen3"))
    pieces = cut.pieces(2)
    assert cut.pieces(2) is pieces
    with pytest.raises(ValueError, match=r"\(2, 32\), got \(3, 32\)"):
        pieces[0].run(torch.zeros(3, 32))


def test_a_bfloat16_model_gives_states_in_float32(tiny):
    cut = slice_of(tiny("qwen3", "bfloat16"), 2)
    (piece,) = cut.pieces(2)
    assert piece.run(torch.zeros(2, 32)).dtype == piece.still.dtype == cut.dtype == torch.float32


def test_a_cancel_stops_the_making_of_pieces(tiny):
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        slice_of(tiny("qwen3"), cancelled=lambda: next(asked)).pieces(2)


@pytest.mark.parametrize("name", ["qwen3", "gemma2", "olmo2"])
def test_the_jacobian_over_all_positions_is_that_of_every_prompt_by_itself(tiny, name):
    loaded = tiny(name, "float64")
    operator, expected = slice_of(loaded).jacobian(), flat(dense(loaded))
    assert operator.shape == expected.shape
    torch.testing.assert_close(operator.dense(), expected, **ROUNDING)
    rows = torch.eye(len(expected), dtype=torch.float64)[::41]
    torch.testing.assert_close(operator.rmatmat(rows), expected[::41], **ROUNDING)


def test_padding_changes_nothing_in_the_jacobian_over_all_positions(tiny):
    operator = slice_of(tiny("qwen3")).jacobian()
    expected = flat(dense(tiny("qwen3", "float64"))).float()
    torch.testing.assert_close(operator.dense(), expected, **SINGLE)
    rows = torch.randn(5, len(expected), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(operator.rmatmat(rows), rows @ expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("tokens", [None, 3])
def test_a_metric_weighs_the_entries_of_the_residual_stream(tiny, tokens):
    loaded = tiny("qwen3", "float64")
    metric = directions(1, loaded.width)[0].exp()
    expected = flat(dense(loaded, tokens) * metric.sqrt()[:, None])
    operator = slice_of(loaded, tokens).jacobian(metric=metric)
    torch.testing.assert_close(operator.dense(), expected, **ROUNDING)
    rows = directions(4, len(expected))
    torch.testing.assert_close(operator.rmatmat(rows), rows @ expected, rtol=1e-4, atol=1e-4)


def test_weights_weigh_the_last_positions_oldest_first(tiny):
    loaded = tiny("qwen3", "float64")
    weights = torch.tensor([0.0, 1.0, 4.0])
    expected = flat(dense(loaded, 3) * torch.tensor([0.0, 1.0, 2.0])[:, None, None])
    torch.testing.assert_close(slice_of(loaded, 3).jacobian(weights=weights).dense(), expected, **ROUNDING)
    both = slice_of(loaded, 3).jacobian(weights=weights, metric=torch.full((32,), 9.0))
    torch.testing.assert_close(both.dense(), 3 * expected, **ROUNDING)


@pytest.mark.parametrize("tokens", [None, 2])
def test_a_steered_point_below_at_and_above_the_source(tiny, pushes, tokens):
    loaded = tiny("qwen3", "float64")
    added = [(push.layer, push.vector) for push in pushes]
    expected = flat(dense(loaded, tokens, added=added))
    cut = slice_of(loaded, tokens, pushes=pushes)
    torch.testing.assert_close(cut.jacobian().dense(), expected, **ROUNDING)
    for number in range(len(added)):  # none of them is without effect, but the one at the target
        fewer = flat(dense(loaded, tokens, added=added[:number] + added[number + 1 :]))
        changed = float((fewer - expected).abs().max())
        assert (changed > 1e-3) == (added[number][0] != TARGET)


def test_the_states_at_a_steered_point_include_the_push_at_the_target(tiny, pushes):
    loaded = tiny("qwen3", "float64")
    added = [(push.layer, push.vector) for push in pushes]
    theta = directions(2, loaded.width)
    states = slice_of(loaded, 2, pushes=pushes)(theta)
    for prompt, text in enumerate(PROMPTS):
        for row in range(2):
            expected = whole(loaded, text, (SOURCE, theta[row]), *added)[-2:]
            torch.testing.assert_close(states[row, prompt], expected, **ROUNDING)


def test_a_push_at_the_source_is_the_same_as_theta0(tiny):
    loaded = tiny("qwen3", "float64")
    theta0 = directions(1, loaded.width)[0]
    pushed = slice_of(loaded, pushes=[Push(SOURCE, theta0 / 4), Push(SOURCE, 3 * theta0 / 4)]).jacobian()
    torch.testing.assert_close(pushed.dense(), slice_of(loaded).jacobian(theta0).dense(), **ROUNDING)


def test_references_are_those_of_the_unsteered_stream(tiny, pushes):
    loaded = tiny("qwen3")
    plain = slice_of(loaded, 2)
    states = torch.cat([whole(loaded, prompt) for prompt in PROMPTS]).double()
    torch.testing.assert_close(plain.target_variance(), states.var(dim=0).float(), rtol=1e-4, atol=0)
    for steered in (slice_of(loaded, 2, pushes=pushes), slice_of(loaded, None, pushes=pushes[2:])):
        assert steered.residual_norm == pytest.approx(plain.residual_norm, rel=1e-6)
        torch.testing.assert_close(steered.target_variance(), plain.target_variance())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": torch.ones(2)}, "Expected 3 weights.*got 2"),
        ({"weights": torch.tensor([1.0, -1.0, 1.0])}, "0 or more"),
        ({"weights": torch.tensor([1.0, torch.nan, 1.0])}, "0 or more"),
        ({"weights": torch.zeros(3)}, "at least one above 0"),
        ({"metric": torch.zeros(32)}, "32 positive numbers.*got 0"),
        ({"metric": torch.ones(31)}, r"32 positive numbers.*shape \(31,\)"),
    ],
)
def test_weights_and_metrics_that_do_not_fit_are_refused(tiny, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        slice_of(tiny("qwen3"), 3).jacobian(**changes)


def test_weights_are_refused_when_all_positions_are_read(tiny):
    with pytest.raises(InputError, match="read the last K instead"):
        slice_of(tiny("qwen3")).jacobian(weights=torch.ones(3))


@pytest.mark.parametrize(
    ("push", "sentence"),
    [
        (Push(TARGET + 1, torch.ones(32)), "up to the target layer 3, got layer 4"),
        (Push(0, torch.ones(31)), r"shape \(32,\) at block 0, got \(31,\)"),
        (Push(0, torch.ones(2, 32)), r"got \(2, 32\)"),
    ],
)
def test_a_steered_point_that_does_not_fit_is_refused(tiny, push, sentence):
    loaded = tiny("qwen3")
    with pytest.raises(InputError, match=sentence):
        slice_of(loaded, pushes=[push])


def test_the_steered_point_leaves_no_hook_behind(tiny, pushes):
    loaded = tiny("qwen3")
    before = hooks(loaded.model)
    slice_of(loaded, pushes=pushes).pieces(2)
    assert hooks(loaded.model) == before
