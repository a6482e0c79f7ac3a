"""Memory of power iteration on many long prompts in the shape of a large model: of a run on a GPU, else counted.

Without a GPU the same products are gone through with tensors that hold nothing, all 40 blocks of them, and every
byte is counted that they would take. Few blocks with real tensors of the same width come to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from unittest import mock

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from playground.core.krylov import solve
from playground.core.settings import KrylovSettings
from playground.model.cut import jacobian
from playground.model.cut.chunk import Chunk, capture_chunk, run_chunk, tokens_that_fit
from playground.model.cut.layer_slice import LayerSlice
from playground.model.cut.memory import SHARE_OF_FREE, graph_bytes
from playground.model.load import LoadedModel
from playground.model.prompting import rows_of_like_length
from tests.benchmarks.report import Report
from tests.benchmarks.shapes import SHAPES, random_model, random_prompts
from tests.model.allocated import Allocated, weights

NAME = "Qwen3-14B"
SHAPE = SHAPES[NAME]
LENGTHS = (200,) * 20
TOKENS = 2
COLUMNS = 12
CARDS = (80, 40)  # GB


@dataclass(frozen=True)
class Taken:
    """What a card of `card` GB is filled with, in bytes; `peak` includes the weights."""

    card: int
    weights: int
    budget: int
    chunks: int
    graphs: int
    peak: int

    def __str__(self) -> str:
        sizes = [f"{size / 1e9:.1f} GB" for size in (self.weights, self.budget, self.peak)]
        return f"| {self.card} GB | {sizes[0]} | {sizes[1]} | {self.chunks} | {self.graphs} | {sizes[2]} |"


def table(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Markdown: peak memory on cards of CARDS, with the budget that the program takes by itself there."""
    on_gpu = loaded.device.type == "cuda"
    way = "run" if on_gpu else "counted, not run"
    shape = f"{len(LENGTHS)} prompts of {LENGTHS[0]} tokens, {NAME} shape, bfloat16"
    lines = [
        f"Memory of power iteration, {shape}, {SHAPE.source}→{SHAPE.target}, k = {COLUMNS} ({way}):",
        "",
        "| card | weights | budget | chunks | graphs kept between products | peak, weights included |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for card in CARDS:
        report(f"memory on a card of {card} GB")
        taken = measured(card) if on_gpu else counted(card)
        lines.append(str(taken))
        work = f"memory of power iteration, {shape}"
        report.claim(work, f"a card of {card} GB, {way}", f"≤ {card} GB", f"{taken.peak / 1e9:.1f} GB")
    return [*lines, ""]


def measured(card: int) -> Taken:
    """Of all of it, prompts to vectors, on the GPU."""
    loaded = random_model(NAME, SHAPE)
    budget = _budget(card, loaded)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    prompts = random_prompts(loaded, LENGTHS)
    part = LayerSlice.prepare(loaded, prompts, SHAPE.source, SHAPE.target, TOKENS, memory_budget=budget)
    operator = part.jacobian()
    solve(operator, KrylovSettings(COLUMNS))
    torch.cuda.synchronize()
    peak, weight = torch.cuda.max_memory_allocated(), loaded.memory_bytes
    loaded.unload()
    return Taken(card, weight, budget, part.chunks, operator.kept_graphs, peak)


def counted(card: int) -> Taken:
    """Of JV and JᵀU, the two products of every step, with tensors that hold nothing and chunks as they are on a GPU."""
    # Masks and position embeddings do not depend on the widths: they come from a model with the same heads.
    narrow = random_model(NAME, replace(SHAPE, width=64, mlp=64), torch.device("cpu"))
    nothing_held = FakeTensorMode(allow_non_fake_inputs=True)
    with nothing_held:
        wide = random_model(NAME, SHAPE, torch.device("cpu"))
    budget, depth = _budget(card, wide), SHAPE.target - SHAPE.source
    tokens = tokens_that_fit(replace(wide, device=torch.device("cuda")), max(LENGTHS), depth, budget)
    prompts = random_prompts(narrow, LENGTHS)
    captured = [
        capture_chunk(narrow, prompts, rows, SHAPE.source, SHAPE.target)
        for rows in rows_of_like_length(LENGTHS, tokens)
    ]
    with nothing_held, Allocated(weights(wide.model)) as memory:
        operator = jacobian.SliceJacobian(
            run=lambda chunk, theta: run_chunk(wide, chunk, theta, {}, TOKENS),
            chunks=[_widened(chunk, wide) for chunk in captured],
            theta0=torch.zeros(SHAPE.width),
            output_shape=(len(LENGTHS), TOKENS, SHAPE.width),
            scales=torch.ones(1, 1),
            depth=depth,
            memory_budget=budget,
            cancelled=lambda: False,
        )
        # A GPU tells how much a graph took.
        with mock.patch.object(jacobian, "allocated", side_effect=lambda device: memory.now):
            operator.rmatmat(operator.matmat(torch.zeros(COLUMNS, SHAPE.width)))
    return Taken(card, wide.memory_bytes, budget, len(captured), operator.kept_graphs, wide.memory_bytes + memory.peak)


def _budget(card: int, loaded: LoadedModel) -> int:
    """What the program takes by itself of what the weights leave of `card` GB."""
    return int(SHARE_OF_FREE["cuda"] * (card * 10**9 - loaded.memory_bytes))


def _widened(chunk: Chunk, loaded: LoadedModel) -> Chunk:
    """The chunk with a residual stream of the width of `loaded`."""
    stream = chunk.stream.new_zeros(*chunk.stream.shape[:2], loaded.width)
    size = graph_bytes(loaded, *stream.shape[:2], depth=len(chunk.calls))
    calls = tuple(replace(call, hidden_states=stream) for call in chunk.calls)
    return replace(chunk, stream=stream, calls=calls, graph_bytes=size)
