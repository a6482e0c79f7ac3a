"""Prompts that begin alike: what they share is run once, and nothing else changes."""

from __future__ import annotations

import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.displacement import displacement
from playground.core.push import Push
from playground.model.blocks import decoder_blocks
from playground.model.cut import layer_slice as layer_slice_module
from playground.model.cut.chunk import prefix_to_share
from playground.model.cut.layer_slice import LayerSlice
from playground.model.cut.prefix import Prefix, common
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode

RAW = PromptFormat(chat=False)
BEGIN = "The quick brown fox jumps over the lazy dog. How do I bake "
PROMPTS = (BEGIN + "a loaf of bread?", BEGIN + "it", BEGIN + "some numbers 3 + 4 = 7, and a bowl of flour?")
SOURCE, TARGET, TOKENS = 1, 3, 2
ROUNDING = {"rtol": 1e-5, "atol": 2e-6}
SINGLE = {"rtol": 1e-4, "atol": 1e-4}
SHORT_SIGHTED = {"mistral", "gemma2", "gemma3"}  # windows shorter than these prompts


def slice_of(loaded: LoadedModel, prompts=PROMPTS, tokens: int | None = TOKENS, **changes) -> LayerSlice:
    return LayerSlice.prepare(loaded, encode(loaded, prompts, RAW), SOURCE, TARGET, tokens, **changes)


def plain(monkeypatch, loaded: LoadedModel, **changes) -> LayerSlice:
    """The same without anything set aside."""
    with monkeypatch.context() as patch:
        patch.setattr(layer_slice_module, "prefix_to_share", lambda encoded, tokens: 0)
        return slice_of(loaded, **changes)


def tokens_run(part: LayerSlice, loaded: LoadedModel) -> int:
    """Tokens that go through the first block above s for one value of θ."""
    seen = []
    hook = decoder_blocks(loaded.model)[SOURCE + 1].register_forward_pre_hook(
        lambda module, args, kwargs: seen.append((args or (kwargs["hidden_states"],))[0].shape[:2].numel()),
        with_kwargs=True,
    )
    try:
        part(torch.zeros(loaded.width))
    finally:
        hook.remove()
    return sum(seen)


@pytest.mark.parametrize("tokens", [TOKENS, None])
@pytest.mark.parametrize("name", tiny_models.NAMES)
def test_the_jacobian_is_the_same_with_a_prefix_set_aside_for_every_family(tiny, monkeypatch, name, tokens):
    loaded = tiny(name)
    part, expected = slice_of(loaded, tokens=tokens), plain(monkeypatch, loaded, tokens=tokens)
    torch.testing.assert_close(part.jacobian().dense(), expected.jacobian().dense(), **SINGLE)
    assert part.residual_norm == pytest.approx(expected.residual_norm, rel=1e-5)
    fewer = tokens_run(part, loaded) < tokens_run(expected, loaded)
    assert fewer == (name not in SHORT_SIGHTED)


@pytest.mark.parametrize("tokens", [TOKENS, None])
def test_steered_points_copies_and_gradients_are_the_same(tiny, monkeypatch, tokens):
    loaded = tiny("qwen3", "float64")
    draw = torch.randn(6, loaded.width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pushes = [Push(layer, vector) for layer, vector in zip((0, SOURCE, SOURCE + 1, TARGET), draw, strict=False)]
    same = [BEGIN + ending for ending in ("a", "b", "c")]  # of one length: float64 models get no padding
    part = slice_of(loaded, same, tokens, pushes=pushes)
    expected = plain(monkeypatch, loaded, prompts=same, tokens=tokens, pushes=pushes)
    assert tokens_run(part, loaded) < tokens_run(expected, loaded)
    theta = draw[4:].clone().requires_grad_()
    torch.testing.assert_close(part(theta), expected(theta), **ROUNDING)
    gradients = [torch.autograd.grad(each(theta).square().mean(), theta)[0] for each in (part, expected)]
    torch.testing.assert_close(*gradients, **ROUNDING)
    jacobians = [each.jacobian(draw[4]).dense() for each in (part, expected)]
    torch.testing.assert_close(*jacobians, **ROUNDING)
    torch.testing.assert_close(part.target_variance(), expected.target_variance())
    assert part.residual_norm == pytest.approx(expected.residual_norm, rel=1e-5)


def test_prompts_of_different_lengths_are_displaced_alike_at_all_positions(tiny, monkeypatch):
    loaded = tiny("qwen3")
    part, expected = slice_of(loaded, tokens=None), plain(monkeypatch, loaded, tokens=None)
    theta = torch.randn(3, loaded.width, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(part(theta), expected(theta), **SINGLE)
    assert [piece.mask.sum(dim=1).tolist() for piece in part.pieces(3)] == [
        [part._encoded.lengths[prompt] for prompt in piece.prompts] for piece in part.pieces(3)
    ]
    torch.testing.assert_close(displacement(part, theta), displacement(expected, theta), **SINGLE)


def test_nothing_is_set_aside_where_it_would_not_help(tiny):
    loaded = tiny("qwen3", "float64")
    assert prefix_to_share(encode(loaded, PROMPTS, RAW), TOKENS) > 0
    assert prefix_to_share(encode(loaded, PROMPTS, RAW), None) > 0
    assert prefix_to_share(encode(loaded, PROMPTS[:1], RAW), TOKENS) == 0
    assert prefix_to_share(encode(loaded, ("The day", "The night is long and dark"), RAW), TOKENS) == 0


def test_a_model_that_computes_something_else_with_it_goes_without(tiny, monkeypatch):
    loaded = tiny("qwen3", "float64")
    expected = plain(monkeypatch, loaded).jacobian().dense()
    monkeypatch.setattr(Prefix, "update", lambda self, keys, values, layer, *_, **__: (keys, values))
    part = slice_of(loaded)
    torch.testing.assert_close(part.jacobian().dense(), expected, **ROUNDING)


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=5), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_the_common_beginning_is_as_long_as_it_can_be(sequences, room):
    count = common(sequences, room)
    limit = max(0, min(map(len, sequences)) - room)
    assert count <= limit
    assert len({tuple(sequence[:count]) for sequence in sequences}) == 1
    assert count == limit or len({sequence[count] for sequence in sequences}) > 1
