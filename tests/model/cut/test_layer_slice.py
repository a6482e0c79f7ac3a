"""The cut model and its Jacobian, against the whole model with a direction added by a hook, in float64."""

from __future__ import annotations

import pytest
import tiny_models
import torch
from hooks import hooks
from torch import Tensor

from playground.core.geometry import cosines
from playground.core.krylov import Spectrum, iterate, solve
from playground.core.settings import SOLVERS, KrylovSettings
from playground.errors import Cancelled, InputError, ModelError
from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.cut import jacobian as jacobian_module
from playground.model.cut.kernels import twice_differentiable
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode

RAW = PromptFormat(chat=False)
PROMPTS = ("The quick brown fox jumps over the lazy dog", "Hi there", "def add(a, b): return a + b")
SOURCE, TARGET, TOKENS = 1, 3, 2
# Norms, softmax and position embeddings of most families are float32 inside, also in a float64 model.
ROUNDING = {"rtol": 1e-5, "atol": 2e-6}


@pytest.fixture
def models(tiny):
    return lambda name="qwen3", dtype="float64": tiny(name, dtype)


def slice_of(loaded: LoadedModel, prompts=PROMPTS, **changes) -> LayerSlice:
    settings = {"source": SOURCE, "target": TARGET, "target_tokens": TOKENS} | changes
    return LayerSlice.prepare(loaded, encode(loaded, prompts, RAW), **settings)


def hooked(loaded: LoadedModel, prompt: str, theta: Tensor, source=SOURCE, target=TARGET, tokens=TOKENS) -> Tensor:
    """The oracle: the whole model on one prompt, no padding, θ added to the output of block `source`."""
    seen = {}
    blocks = decoder_blocks(loaded.model)
    added = blocks[source].register_forward_hook(lambda _, __, o: replace_block_output(o, block_output(o) + theta))
    read = blocks[target].register_forward_hook(lambda _, __, o: seen.update(stream=block_output(o)))
    try:
        loaded.model(input_ids=encode(loaded, [prompt], RAW).input_ids, use_cache=False)
    finally:
        added.remove()
        read.remove()
    return seen["stream"][0, -tokens:]


def dense(loaded: LoadedModel, prompts=PROMPTS, theta0=None, **layers) -> Tensor:
    """[J_1; …; J_n]/√n through the whole model, (n·K·d, d)."""
    theta0 = torch.zeros(loaded.width, dtype=loaded.dtype) if theta0 is None else theta0
    parts = [
        torch.autograd.functional.jacobian(lambda theta, p=prompt: hooked(loaded, p, theta, **layers).flatten(), theta0)
        for prompt in prompts
    ]
    return torch.cat(parts) / len(prompts) ** 0.5


@pytest.mark.parametrize("name", tiny_models.NAMES)
def test_the_jacobian_is_that_of_the_whole_model_for_every_family(models, name):
    loaded = models(name)
    expected = dense(loaded)
    operator = slice_of(loaded).jacobian()
    assert operator.shape == expected.shape
    torch.testing.assert_close(operator.dense(), expected, **ROUNDING)
    rows = torch.eye(len(expected), dtype=torch.float64)[::7]
    torch.testing.assert_close(operator.rmatmat(rows), expected[::7], **ROUNDING)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS], ids=["one prompt", "several of different lengths"])
def test_default_settings_reach_the_acceptance_of_the_design(models, solver, dtype, prompts):
    exact = dense(models(), prompts)
    values = torch.linalg.svdvals(exact)[:8]
    spectrum = solve(slice_of(models(dtype=dtype), prompts).jacobian(), KrylovSettings(vectors=8, solver=solver))
    assert spectrum.converged
    torch.testing.assert_close(spectrum.singular_values.double(), values, rtol=0.01, atol=0)
    energy = (exact @ spectrum.vectors.double().T).square().sum()
    assert float(energy / values.square().sum()) >= 0.995


@pytest.mark.parametrize("name", ["qwen3", "gpt2", "gemma2", "bloom", "opt"])
def test_left_padding_changes_nothing_for_any_prompt(models, name):
    loaded = models(name, "float32")
    together = slice_of(loaded)
    assert together.chunks == 1
    alone = [slice_of(loaded, [prompt]) for prompt in PROMPTS]
    zero = torch.zeros(loaded.width)
    expected = torch.cat([part(zero) for part in alone], dim=1)
    torch.testing.assert_close(together(zero), expected, rtol=1e-4, atol=1e-4)
    jacobians = torch.cat([part.jacobian().dense() for part in alone]) / 3**0.5
    torch.testing.assert_close(together.jacobian().dense(), jacobians, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layers", [(0, 1), (0, 3), (2, 3)])
@pytest.mark.parametrize("tokens", [1, 3])
def test_any_pair_of_layers_and_number_of_tokens(models, layers, tokens):
    loaded = models()
    places = {"source": layers[0], "target": layers[1]}
    operator = slice_of(loaded, target_tokens=tokens, **places).jacobian()
    torch.testing.assert_close(operator.dense(), dense(loaded, tokens=tokens, **places), **ROUNDING)


def test_the_jacobian_at_a_steered_point(models):
    loaded = models()
    theta0 = torch.randn(loaded.width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = dense(loaded, theta0=theta0)
    torch.testing.assert_close(slice_of(loaded).jacobian(theta0).dense(), expected, **ROUNDING)
    assert (expected - dense(loaded)).abs().max() > 0.01


@pytest.mark.parametrize("name", ["qwen3", "falcon", "gemma3"])
def test_the_slice_is_the_whole_model_with_the_direction_added(models, name):
    loaded = models(name)
    thetas = torch.randn(4, loaded.width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    result = slice_of(loaded)(thetas)
    assert result.shape == (4, 3, TOKENS, loaded.width)
    expected = torch.stack([torch.stack([hooked(loaded, p, theta) for p in PROMPTS]) for theta in thetas])
    torch.testing.assert_close(result, expected, **ROUNDING)
    torch.testing.assert_close(slice_of(loaded)(thetas[2]), expected[2:3], **ROUNDING)


def test_gradients_flow_through_the_slice_row_by_row(models):
    loaded = models()
    cut = slice_of(loaded)
    theta = torch.zeros(2, loaded.width, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(cut(theta)[1].sum(), theta)
    assert gradient[0].abs().max() == 0
    torch.testing.assert_close(gradient[1], dense(loaded).sum(dim=0) * 3**0.5, **ROUNDING)


def test_the_last_mlp_sees_the_last_positions_only(models):
    loaded = models()
    seen = []
    mlp = decoder_blocks(loaded.model)[TARGET].mlp
    handle = mlp.gate_proj.register_forward_hook(lambda module, args, output: seen.append(args[0].shape[1]))
    try:
        slice_of(loaded, PROMPTS[:1])(torch.zeros(loaded.width))
    finally:
        handle.remove()
    assert set(seen) == {TOKENS}


def test_the_reference_norm_is_the_median_over_real_tokens_only(models):
    loaded = models(dtype="float32")
    streams = [hooked(loaded, p, torch.zeros(loaded.width), target=SOURCE, tokens=99) for p in PROMPTS]
    expected = torch.cat(streams).norm(dim=1).double().quantile(0.5)
    assert slice_of(loaded).residual_norm == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("budget", [1, 300_000])
def test_a_budget_too_small_for_the_graphs_recomputes_them_with_the_same_result(models, budget):
    loaded = models(dtype="float32")
    roomy, tight = slice_of(loaded), slice_of(loaded, memory_budget=budget)
    assert tight.chunks == 3
    jacobian = tight.jacobian()
    torch.testing.assert_close(jacobian.dense(), roomy.jacobian().dense(), rtol=1e-4, atol=1e-4)
    assert jacobian.kept_graphs < 3


def test_graphs_are_kept_between_products_when_the_budget_holds_them(models, monkeypatch):
    jacobian = slice_of(models(dtype="float32")).jacobian()
    jacobian.dense()
    assert jacobian.kept_graphs == 1
    monkeypatch.setattr(jacobian_module, "_Linearised", None)
    jacobian.dense()


@pytest.mark.parametrize("name", tiny_models.NAMES)
def test_a_short_prompt_in_as_many_copies_as_columns_is_the_same_map(models, name, monkeypatch):
    loaded = models(name)
    part = slice_of(loaded, PROMPTS[:1])
    few, many = torch.eye(loaded.width, dtype=torch.float64)[:3], torch.eye(loaded.width, dtype=torch.float64)
    copied = part.jacobian()
    images = [copied.matmat(few), copied.matmat(many), copied.matmat(many[:2])]  # three copies, made by the first
    back = copied.rmatmat(images[1])
    # Bloom lays out its biases for the batch it is called with, and is left to vmap.
    kind = jacobian_module._Linearised if name == "bloom" else jacobian_module._LinearisedCopies
    assert type(copied._kept[0]) is kind
    monkeypatch.setattr(jacobian_module, "_COPIED_TOKENS", 0)
    plain = part.jacobian()
    expected = plain.matmat(many)
    assert type(plain._kept[0]) is jacobian_module._Linearised
    for image in images:
        torch.testing.assert_close(image, expected[: len(image)], **ROUNDING)
    torch.testing.assert_close(back, plain.rmatmat(expected), **ROUNDING)


def test_running_out_of_memory_takes_fewer_columns_then_no_graphs_then_gives_up(models, monkeypatch):
    loaded = models(dtype="float32")
    expected = slice_of(loaded).jacobian().dense()
    jacobian = slice_of(loaded).jacobian()
    original = jacobian_module._Linearised.forward
    seen = []

    def short_of_memory(self, rows, limit=3):
        seen.append(len(rows))
        if len(rows) > limit:
            raise torch.OutOfMemoryError
        return original(self, rows)

    monkeypatch.setattr(jacobian_module._Linearised, "forward", short_of_memory)
    torch.testing.assert_close(jacobian.dense(), expected, rtol=1e-4, atol=1e-4)
    assert seen[:4] == [32, 16, 8, 4]
    assert max(seen[4:]) == 2
    monkeypatch.setattr(jacobian_module._Linearised, "forward", lambda self, rows: short_of_memory(self, rows, limit=0))
    with pytest.raises(ModelError, match="ran out of memory"):
        jacobian.dense()
    assert jacobian.kept_graphs == 0


def test_a_bfloat16_model_gives_float32_products_near_the_exact_ones(models):
    exact = dense(models())
    operator = slice_of(models(dtype="bfloat16")).jacobian()
    rows = torch.nn.functional.normalize(torch.randn(5, 32, generator=torch.Generator().manual_seed(2)), dim=1)
    images = operator.matmat(rows)
    assert images.dtype == operator.rmatmat(images).dtype == torch.float32
    assert (images.double() - rows.double() @ exact.T).norm() < 0.05 * images.norm()
    spectrum = solve(operator, KrylovSettings(vectors=4))
    torch.testing.assert_close(spectrum.singular_values.double(), torch.linalg.svdvals(exact)[:4], rtol=0.05, atol=0)


def test_equal_prompts_count_as_one(models):
    loaded = models()
    spectra = [solve(slice_of(loaded, PROMPTS[:1] * n).jacobian(), KrylovSettings(4, tolerance=1e-4)) for n in (1, 3)]
    torch.testing.assert_close(spectra[0].singular_values, spectra[1].singular_values)
    torch.testing.assert_close(cosines(spectra[0].vectors, spectra[1].vectors).diagonal(), torch.ones(4))


def test_nothing_of_the_model_is_changed(models):
    loaded = models(dtype="float32")
    before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    hooks_before = hooks(loaded.model)
    slice_of(loaded).jacobian().dense()
    assert all(torch.equal(value, before[name]) for name, value in loaded.model.state_dict().items())
    assert all(not p.requires_grad and p.grad is None for p in loaded.model.parameters())
    assert hooks(loaded.model) == hooks_before


def test_fused_attention_gives_way_to_eager_and_comes_back_also_after_an_error(models):
    model = models(dtype="float32").model
    model.set_attn_implementation("flex_attention")
    try:
        with pytest.raises(RuntimeError, match="eager"), twice_differentiable(model):
            raise RuntimeError(model.config._attn_implementation)
        assert model.config._attn_implementation == "flex_attention"
    finally:
        model.set_attn_implementation("sdpa")


def test_a_cancel_stops_the_preparation_and_every_product(models):
    loaded = models(dtype="float32")
    with pytest.raises(Cancelled):
        slice_of(loaded, cancelled=lambda: True)
    asked = iter([False] * 9 + [True] * 99)
    cut = slice_of(loaded, memory_budget=1, cancelled=lambda: next(asked))  # asked before each of 3 chunks
    *_, spectrum = iterate(cut.jacobian(), KrylovSettings(4))
    assert isinstance(spectrum, Spectrum)
    assert spectrum.steps == 1
    assert not spectrum.converged


@pytest.mark.parametrize(("source", "target"), [(2, 2), (3, 1), (-1, 2), (0, 4)])
def test_layers_out_of_range_or_order_are_refused(models, source, target):
    with pytest.raises(InputError, match=f"both from 0 to 3, got {source} and {target}"):
        slice_of(models(), source=source, target=target)


@pytest.mark.parametrize("tokens", [0, 99])
def test_more_target_tokens_than_the_shortest_prompt_has_are_refused(models, tokens):
    shortest = min(encode(models(), PROMPTS, RAW).lengths)
    with pytest.raises(InputError, match=f"1 to {shortest} target tokens.*got {tokens}"):
        slice_of(models(), target_tokens=tokens)


def test_directions_of_another_width_are_refused(models):
    cut = slice_of(models())
    with pytest.raises(ValueError, match=r"\(B, 32\)"):
        cut(torch.zeros(33))
    with pytest.raises(ValueError, match=r"\(32,\)"):
        cut.jacobian(torch.zeros(2, 32))
