"""The memory of products with the Jacobian, counted, against the budget and against what is expected of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiny_models
import torch
from allocated import Allocated, weights
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM

from playground.model.cut import chunk as chunk_module
from playground.model.cut import jacobian as jacobian_module
from playground.model.cut.layer_slice import LayerSlice
from playground.model.cut.memory import graph_bytes
from playground.model.load import LoadedModel, load
from playground.model.prompting import Encoded

TOKENS = 48
COLUMNS = 6


@pytest.fixture(scope="module")
def organism() -> LoadedModel:
    return load(device="cpu")


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """Chunks as large as the budget lets them be, and columns batched."""
    monkeypatch.setattr(chunk_module, "_CHUNK_TOKENS", {})
    monkeypatch.setattr(jacobian_module, "_COPIED_TOKENS", 0)


def prompts(count: int, tokens: int = TOKENS) -> Encoded:
    """Random tokens without a beginning that all share."""
    ids = torch.randint(50, 300, (count, tokens), generator=torch.Generator().manual_seed(0))
    ids[:, 0] = 50 + torch.arange(count)
    return Encoded(ids, torch.ones_like(ids), (tokens,) * count)


def counted(loaded: LoadedModel, encoded: Encoded, budget: int, target: int, tokens: int | None = 2) -> tuple:
    """`products` of some prompts with a memory budget."""
    return products(loaded, LayerSlice.prepare(loaded, encoded, 1, target, tokens, memory_budget=budget))


def products(loaded: LoadedModel, part: LayerSlice) -> tuple:
    """(peak of JV and then JᵀU, what is kept after them, graphs kept, chunks), in bytes above the prepared slice."""
    rows = torch.eye(COLUMNS, loaded.width)
    prepared = [(chunk.stream, [(call.args, call.kwargs) for call in chunk.calls]) for chunk in part._chunks]
    there = [leaf for leaf in tree_leaves(prepared) if isinstance(leaf, Tensor)]
    with Allocated([*weights(loaded.model), *there, rows]) as memory:
        operator = part.jacobian()
        images = operator.matmat(rows)
        operator.rmatmat(images)
        del images
        return memory.peak, memory.now, operator.kept_graphs, part.chunks


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", tiny_models.NAMES)
def test_graphs_take_no_more_than_is_expected_of_them(tiny, name, dtype):
    loaded = tiny(name, dtype)
    _, kept, graphs, chunks = counted(loaded, prompts(3), 2**40, target=3, tokens=None)
    assert graphs == chunks == 1
    assert kept <= graph_bytes(loaded, 3, TOKENS, 2)


@pytest.mark.parametrize(("tokens", "depth"), [(24, 4), (96, 4), (48, 8)])
def test_of_the_shipped_model_they_take_about_what_is_expected(organism, tokens, depth):
    _, kept, _, _ = counted(organism, prompts(3, tokens), 2**40, target=1 + depth, tokens=None)
    assert 0.8 <= kept / graph_bytes(organism, 3, tokens, depth) <= 1


@pytest.mark.parametrize("share", [0.3, 0.45, 0.7, 1.0, 1.5, 3.0])
def test_products_stay_within_the_budget_and_use_it(organism, share):
    encoded = prompts(12)
    whole = graph_bytes(organism, 12, TOKENS, 4)
    peak, _, graphs, chunks = counted(organism, encoded, int(share * whole), target=5)
    assert peak <= share * whole
    assert graphs == chunks if share >= 2 else graphs < chunks
    assert graphs > 0


def test_without_room_for_two_graphs_there_is_only_one_at_a_time(organism):
    alone, *_ = counted(organism, prompts(1), 1, target=5)
    several, kept, graphs, chunks = counted(organism, prompts(5), 1, target=5)
    assert (graphs, chunks) == (0, 5)
    results = 5 * COLUMNS * 2 * organism.width * 4
    assert several <= 1.05 * alone + 3 * results
    assert kept < 0.05 * alone


def test_tensors_that_hold_nothing_count_as_those_that_do(tiny):
    """What the memory of a large shape is counted with (tests/benchmarks/memory.py)."""
    loaded, encoded = tiny("qwen3", "bfloat16"), prompts(5)
    budget = graph_bytes(loaded, 4, TOKENS, 2)
    part = LayerSlice.prepare(loaded, encoded, 1, 3, 2, memory_budget=budget)
    held = products(loaded, part)
    with FakeTensorMode(allow_non_fake_inputs=True):
        empty = AutoModelForCausalLM.from_config(loaded.model.config, dtype=loaded.dtype).eval().requires_grad_(False)
        part._loaded = replace(loaded, model=empty)
        counted = products(part._loaded, part)
    assert counted == pytest.approx(held, rel=0.01)
    assert held[-1] > 1
