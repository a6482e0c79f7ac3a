"""Sweeps through all blocks, against the Jacobian of each pair of layers by itself."""

from __future__ import annotations

import pytest
import tiny_models
import torch

from playground.core.atlas.sweeps import Carried, PairOperator
from playground.errors import Cancelled, InputError
from playground.model.blocks import decoder_blocks
from playground.model.cut import sweeps as sweeps_module
from playground.model.cut.layer_slice import LayerSlice
from playground.model.cut.sweeps import LayerSweeps
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode

RAW = PromptFormat(chat=False)
PROMPTS = ("The quick brown fox jumps over the lazy dog", "Hi there", "def add(a, b): return a + b")
ALIKE = tuple(f"The quick brown fox jumps over the lazy {animal}" for animal in ("dog", "cat and the dog", "fox"))
# Norms, softmax and position embeddings of most families are float32 inside, also in a float64 model.
ROUNDING = {"rtol": 1e-5, "atol": 2e-6}


@pytest.fixture
def models(tiny):
    return lambda name="qwen3", dtype="float64": tiny(name, dtype)


def sweeps_of(loaded: LoadedModel, prompts=PROMPTS, tokens=2, **options) -> LayerSweeps:
    last = loaded.block_count - 1
    layers = tuple(range(last)), tuple(range(1, last + 1))
    return LayerSweeps.prepare(loaded, encode(loaded, prompts, RAW), *layers, tokens, **options)


def check_all_pairs(loaded: LoadedModel, sweeps: LayerSweeps, prompts, tokens, rounding=ROUNDING) -> None:
    """Rows of every source and target, some carried all the way and some only to the next layer."""
    outputs, width = sweeps.shape
    generator = torch.Generator().manual_seed(0)
    first, last = sweeps.sources[0], sweeps.targets[-1]

    def three(size: int, far: int, near: int) -> Carried:
        return Carried(torch.randn(3, size, generator=generator).to(sweeps.dtype), (far, far, near))

    right = {source: three(width, last, source + 1) for source in sweeps.sources}
    left = {target: three(outputs, first, target - 1) for target in sweeps.targets}
    images = {(s, t): rows for t, found in sweeps.forward(right) for s, rows in found.items()}
    pulled = {(s, t): rows for s, found in sweeps.backward(left) for t, rows in found.items()}
    assert set(images) == set(pulled) == set(sweeps.pairs)
    for s, t in sweeps.pairs:
        operator = LayerSlice.prepare(loaded, encode(loaded, prompts, RAW), s, t, tokens).jacobian()
        count = 3 if t == s + 1 else 2
        assert len(images[s, t]) == len(pulled[s, t]) == count
        torch.testing.assert_close(images[s, t], operator.matmat(right[s].rows[:count]), **rounding)
        torch.testing.assert_close(pulled[s, t], operator.rmatmat(left[t].rows[:count]), **rounding)


@pytest.mark.parametrize("name", tiny_models.NAMES)
def test_products_are_those_of_every_pair_by_itself_for_every_family(models, name):
    loaded = models(name)
    check_all_pairs(loaded, sweeps_of(loaded, PROMPTS[:1]), PROMPTS[:1], 2)


@pytest.mark.parametrize("tokens", [1, 2, None])
@pytest.mark.parametrize("prompts", [PROMPTS, ALIKE], ids=["unequal", "with a beginning in common"])
def test_prompts_of_any_lengths_are_read_at_the_last_tokens_or_at_all(models, tokens, prompts):
    loaded = models()
    sweeps = sweeps_of(loaded, prompts, tokens)
    check_all_pairs(loaded, sweeps, prompts, tokens)


def test_a_small_budget_gives_the_same_with_graphs_built_at_each_pass(models):
    loaded = models()
    check_all_pairs(loaded, sweeps_of(loaded, memory_budget=1), PROMPTS, 2)


def test_when_memory_runs_out_fewer_rows_go_together(models, monkeypatch):
    loaded = models()
    sweeps = sweeps_of(loaded)
    forward, sizes = sweeps_module._LinearBlock.forward, []

    def short(block, states):
        sizes.append(len(states.own))
        if len(states.own) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(block, states)

    monkeypatch.setattr(sweeps_module._LinearBlock, "forward", short)
    check_all_pairs(loaded, sweeps, PROMPTS, 2)
    assert max(sizes) > 2 >= sizes[-1]


def test_half_precision_is_as_close_to_double_as_that_of_the_pair_by_itself(models):
    loaded, exact = models(dtype="bfloat16"), models()
    rows = torch.randn(8, exact.width, generator=torch.Generator().manual_seed(0))
    expected = PairOperator(sweeps_of(exact), (0, 3)).matmat(rows.double())
    alone = LayerSlice.prepare(loaded, encode(loaded, PROMPTS, RAW), 0, 3, 2).jacobian().matmat(rows)
    found = PairOperator(sweeps_of(loaded), (0, 3)).matmat(rows)
    assert float((found - expected).norm()) < 1.2 * float((alone - expected).norm())


def test_a_cancel_is_heard_between_blocks(models):
    asked = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 3

    sweeps = sweeps_of(models(), PROMPTS[:1], cancelled=cancelled)
    rows = {0: Carried(torch.ones(1, sweeps.shape[1], dtype=torch.float64), (3,))}
    with pytest.raises(Cancelled):
        list(sweeps.forward(rows))
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("sources", "targets", "tokens", "says"),
    [
        ((0, 1), (2, 9), 2, "from 0 to 3"),
        ((3,), (2,), 2, "source layers below target layers"),
        ((0,), (3,), 99, "Expected 1 to"),
    ],
)
def test_layers_and_tokens_that_are_not_there_are_refused_in_a_sentence(models, sources, targets, tokens, says):
    loaded = models()
    with pytest.raises(InputError, match=says):
        LayerSweeps.prepare(loaded, encode(loaded, PROMPTS, RAW), sources, targets, tokens)


def test_reference_norms_are_those_that_find_gives_at_every_source(models):
    loaded = models()
    sweeps = sweeps_of(loaded)
    for source in sweeps.sources:
        alone = LayerSlice.prepare(loaded, encode(loaded, PROMPTS, RAW), source, 3, 2)
        assert sweeps.residual_norms[source] == pytest.approx(alone.residual_norm)


def test_of_rows_that_end_at_a_block_its_mlp_works_where_they_are_read_alone(models):
    """Two positions of eleven, for tangents on their last block and cotangents on their first."""
    loaded = models("llama")
    sweeps = sweeps_of(loaded, PROMPTS[:1])
    generator = torch.Generator().manual_seed(0)
    seen: list[int] = []
    mlp = decoder_blocks(loaded.model)[2].mlp.up_proj
    handle = mlp.register_forward_hook(lambda module, args, output: seen.append(output.shape[1]))
    right = Carried(torch.randn(2, sweeps.shape[1], generator=generator).to(sweeps.dtype), (2, 2))
    left = Carried(torch.randn(2, sweeps.shape[0], generator=generator).to(sweeps.dtype), (0, 0))
    list(sweeps.forward({0: right}))
    list(sweeps.backward({2: left}))
    assert seen == [2]  # one graph, kept for both ways
    list(sweeps.forward({0: Carried(right.rows, (3, 3))}))
    handle.remove()
    assert len(seen) == 2
    assert seen[1] > 8
