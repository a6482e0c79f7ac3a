"""Some prompts as one batch, run up to layer s: the residual stream there, and how the model calls the blocks above."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.core.push import Push
from playground.model.kernels import twice_differentiable
from playground.model.load import LoadedModel
from playground.model.memory import graph_bytes
from playground.model.prompting import Encoded, forward_inputs
from playground.model.steering import BlockCall, capture_block_inputs, steer

# Tokens of a chunk at most, padding and copies counted. On a CPU more of them are no faster and fall out of its caches;
# other devices want their matrix products large.
_CHUNK_TOKENS = {"cpu": 512}
_CHUNK_TOKENS_ELSEWHERE = 16384


@dataclass(frozen=True, eq=False)
class Chunk:
    """b prompts as one batch without padding that all of them share, each run `copies` times side by side.

    Row c·b + i of a batch is copy c of prompt i; `calls` hold masks and position embeddings for all c·b rows.
    """

    rows: tuple[int, ...]  # numbers of the b prompts
    encoded: Encoded
    stream: Tensor  # (b, T, d) residual stream at s
    mask: Tensor  # (b, T) bool: real tokens
    calls: tuple[BlockCall, ...]  # of the blocks s+1..t
    copies: int
    graph_bytes: int  # about what linearising those blocks takes


@torch.no_grad()
def capture(
    loaded: LoadedModel,
    encoded: Encoded,
    rows: Sequence[int],
    source: int,
    target: int,
    pushes: Sequence[Push] = (),
    copies: int = 1,
) -> Chunk:
    """Run the prompts numbered `rows` up to `target`, steered by `pushes`, and keep what blocks s+1..t need.

    The model itself lays out masks for the larger batch that copies make: how they are shaped differs by family.
    """
    layers = range(source + 1, target + 1)
    part = encoded.take(rows)
    batch = part.take(tuple(range(len(rows))) * copies)
    with ExitStack() as stack:
        stack.enter_context(twice_differentiable(loaded.model))
        stack.enter_context(steer(loaded.model, pushes))
        with capture_block_inputs(loaded.model, layers) as calls:
            loaded.model(**forward_inputs(loaded, batch), use_cache=False)
    stream = calls[source + 1].hidden_states[: len(rows)]
    if copies > 1:
        stream = stream.clone()  # a slice would hold all copies in memory
    # What went into the blocks above is not needed, and is as large as the stream for every one of them.
    light = tuple(replace(calls[layer], hidden_states=stream) for layer in layers)
    size = graph_bytes(loaded, len(batch), stream.shape[1], len(layers))
    return Chunk(tuple(rows), part, stream, part.attention_mask.bool().to(stream.device), light, copies, size)


def rows_of_chunks(lengths: Sequence[int], tokens: int, padding: bool) -> Iterator[tuple[int, ...]]:
    """Prompts of like length together, so that little is padding; at most `tokens` a chunk, and at least one prompt."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        full = rows and (len(rows) + 1) * lengths[rows[0]] > tokens
        if full or (rows and not padding and lengths[row] != lengths[rows[0]]):
            yield tuple(rows)
            rows = []
        rows.append(row)
    yield tuple(rows)


def tokens_that_fit(loaded: LoadedModel, length: int, depth: int, budget: int) -> int:
    """Tokens of a chunk whose graphs take about a quarter of the budget, for prompts of at most `length` tokens."""
    per_token = graph_bytes(loaded, 1, length, depth) / length
    return min(_CHUNK_TOKENS.get(loaded.device.type, _CHUNK_TOKENS_ELSEWHERE), int(budget / (4 * per_token)))


def mean_norm(chunks: Iterable[Chunk]) -> float:
    """Mean norm of the residual stream at s over all real tokens."""
    norms = [chunk.stream[chunk.mask].float().norm(dim=1).cpu().double() for chunk in chunks]
    return float(torch.cat(norms).mean())
