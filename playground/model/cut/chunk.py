"""Some prompts as one batch, run up to layer s once; from there to layer t as often as there is something to add.

What all prompts of a batch begin with (a system prompt, the template) may be set aside as a row of its own, whose keys
and values the blocks then read: it is run once instead of once for each prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.core.push import Push
from playground.model.activations import residual_stream
from playground.model.cut.kernels import twice_differentiable
from playground.model.cut.memory import graph_bytes
from playground.model.cut.prefix import Prefix, common, takes_prefix, through_blocks, with_prefix
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs
from playground.model.reference import median, token_norms
from playground.model.steering import BlockCall, capture_block_inputs, steer

# Tokens of a chunk at most, padding and copies counted. On a CPU more of them are no faster and fall out of its caches;
# other devices want their matrix products large.
_CHUNK_TOKENS = {"cpu": 512}
_CHUNK_TOKENS_ELSEWHERE = 16384

_LEAST_SAVED = 0.1  # of all tokens; below that, setting a prefix aside costs what it saves
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}  # of the largest entry; a mask gone wrong is off by far more
_TOLERANCE_HALF = 5e-2


@dataclass(frozen=True, eq=False)
class Chunk:
    """b prompts as one batch without padding that all of them share, each run `copies` times side by side.

    Row c·b + i of a batch is copy c of prompt i; `calls` hold masks and position embeddings for all c·b rows. With a
    `prefix`, itself a chunk of one row without prompts of its own, `stream` and `mask` are of what comes after it.
    """

    rows: tuple[int, ...]  # numbers of the b prompts
    source: int  # s
    stream: Tensor  # (b, T, d) residual stream at s
    mask: Tensor  # (b, T) bool: real tokens
    calls: tuple[BlockCall, ...]  # of the blocks s+1..t
    copies: int
    graph_bytes: int  # about what linearising those blocks takes
    prefix: Chunk | None = None

    @property
    def real(self) -> Tensor:
        """(b, P + T) bool: real tokens of whole prompts, prefix included, with padding at the beginning."""
        if self.prefix is None:
            return self.mask
        before = self.prefix.stream.shape[1]
        places = torch.arange(before + self.mask.shape[1], device=self.mask.device)
        return places >= (self.mask.shape[1] - self.mask.sum(dim=1, keepdim=True))

    def norms(self) -> Tensor:
        """Norms of the residual stream at s at every real token of the prompts, one after another, on the CPU."""
        own = token_norms(self.stream, self.mask)
        return own if self.prefix is None else torch.cat([own, self.prefix.norms().repeat(len(self.rows))])


@torch.no_grad()
def capture(
    loaded: LoadedModel,
    encoded: Encoded,
    rows: Sequence[int],
    source: int,
    target: int,
    pushes: Sequence[Push] = (),
    copies: int = 1,
    prefix: int = 0,
) -> Chunk:
    """Run the prompts numbered `rows` up to `target`, steered by `pushes`, and keep what blocks s+1..t need.

    `prefix` tokens, with which all of them begin, are set aside. The model itself lays out masks for the larger batch
    that copies make: how they are shaped differs by family.
    """
    part = encoded.take(rows)
    batch = part.take(tuple(range(len(rows))) * copies)
    with ExitStack() as stack:
        stack.enter_context(twice_differentiable(loaded.model))
        stack.enter_context(steer(loaded.model, pushes))
        if not prefix:
            inputs = forward_inputs(loaded, batch) | {"use_cache": False}
            return _captured(loaded, inputs, rows, source, target, copies)
        cache = DynamicCache()
        caching = {"use_cache": True, "past_key_values": cache}
        begin = batch.input_ids.shape[1] - batch.lengths[0]
        ids = batch.input_ids[:1, begin : begin + prefix].expand(copies, -1)
        first = Encoded(ids, torch.ones_like(ids), (prefix,) * copies)
        before = _captured(loaded, forward_inputs(loaded, first) | caching, (), source, target, copies)
        cache.batch_repeat_interleave(len(rows))
        seen = forward_inputs(loaded, batch)
        rest = {name: tensor[:, prefix:] for name, tensor in seen.items()}
        # Padding stands between the prefix and what follows it: what is real there is what all was, less the prefix.
        mask = seen["attention_mask"]
        whole = torch.cat((mask.new_ones(len(mask), prefix), mask[:, :-prefix]), dim=1)
        rest["attention_mask"] = whole
        if "position_ids" in rest:
            rest["position_ids"] = (whole.cumsum(dim=1) - 1).clamp(min=0)[:, prefix:]
        return _captured(loaded, rest | caching, rows, source, target, copies, before)


def run(
    loaded: LoadedModel, chunk: Chunk, theta: Tensor | None, pushes: Mapping[int, Tensor], tokens: int | None
) -> Tensor:
    """The residual stream at t, (r·b, P + T, d) or its last `tokens` positions, with θ added to that at s.

    θ is (d,), or (r, d) for a chunk of r copies, in float32 or wider; None adds nothing. `pushes`, (d,) each, are added
    at layers above s. All of it is differentiable twice. Padding comes first, whether or not a prefix was set aside.
    """
    with twice_differentiable(loaded.model):
        if chunk.prefix is None:
            states = _through(loaded, chunk, theta, pushes, tokens, None)
        else:
            prefix = Prefix()
            # Where it is not read, keys and values are all that is wanted of its last block.
            before = _through(loaded, chunk.prefix, theta, pushes, None if tokens is None else 1, prefix)
            prefix.finish()
            states = _through(loaded, chunk, theta, pushes, tokens, prefix)
            if tokens is None:
                states = _padding_first(chunk, before, states)
    # Of a model that is spread over devices, block t may have another one than block s, where all else is.
    return states.to(chunk.stream.device)


def prefix_to_share(encoded: Encoded, tokens: int | None) -> int:
    """How many tokens all prompts begin with and are worth setting aside, when the last `tokens` of each are read.

    When all of them are read (None), the last one at least is left to each.
    """
    if len(encoded) == 1:
        return 0
    longest = encoded.input_ids.shape[1]
    rows = [row[longest - length :] for row, length in zip(encoded.input_ids.tolist(), encoded.lengths, strict=True)]
    shared = common(rows, room=1 if tokens is None else tokens)
    return shared if shared * (len(rows) - 1) >= _LEAST_SAVED * sum(encoded.lengths) else 0


@torch.no_grad()
def agrees(
    loaded: LoadedModel,
    encoded: Encoded,
    chunk: Chunk,
    below: Sequence[Push],
    above: Mapping[int, Tensor],
    target: int,
    tokens: int | None,
) -> bool:
    """Whether a chunk computes what the model itself does, on its longest and its shortest prompt.

    A trial of a prefix that was set aside: not every family takes a cache as its blocks' argument, or sees all of it.
    `below` and `above` are the pushes that the chunk was captured, and is run, with. Raises what the model raises when
    a cache of this kind is news to it.
    """
    if not all(map(takes_prefix, chunk.calls)):
        return False
    places = sorted({0, len(chunk.rows) - 1})
    with steer(loaded.model, [*below, *(Push(layer, vector) for layer, vector in above.items())]):
        expected = residual_stream(loaded, encoded.take([chunk.rows[place] for place in places]), target)
    found = run(loaded, chunk, None, above, tokens)[places]
    last = found.shape[1]
    real = chunk.real[places, -last:]
    expected, found = expected[:, -last:].to(found.device)[real].float(), found[real].float()
    tolerance = _TOLERANCE.get(loaded.dtype, _TOLERANCE_HALF)
    return bool((found - expected).abs().max() <= tolerance * expected.abs().max())


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


def reference_norm(chunks: Iterable[Chunk]) -> float:
    """Median norm of the residual stream at s over all real tokens of all prompts."""
    return median(torch.cat([chunk.norms() for chunk in chunks]))


def _captured(
    loaded: LoadedModel,
    inputs: Mapping[str, object],
    rows: Sequence[int],
    source: int,
    target: int,
    copies: int,
    prefix: Chunk | None = None,
) -> Chunk:
    layers = range(source + 1, target + 1)
    with capture_block_inputs(loaded.model, layers) as calls:
        loaded.model(**inputs)
    stream = calls[source + 1].hidden_states
    prompts, length = len(stream) // copies, stream.shape[1]
    # What went into the blocks above is not needed, and is as large as the stream for every one of them; neither are
    # the copies, of which a slice would hold all in memory, nor the model's cache.
    stream = stream[:prompts].clone() if copies > 1 else stream
    mask = inputs["attention_mask"][:prompts, -length:].bool().to(stream.device)
    before = 0 if prefix is None else prefix.stream.shape[1]
    size = graph_bytes(loaded, prompts * copies, length, len(layers), keys=before + length)
    size += 0 if prefix is None else prefix.graph_bytes
    light = tuple(replace(with_prefix(calls[layer], Prefix()), hidden_states=stream) for layer in layers)
    return Chunk(tuple(rows), source, stream, mask, light, copies, size, prefix)


def _through(
    loaded: LoadedModel,
    chunk: Chunk,
    theta: Tensor | None,
    pushes: Mapping[int, Tensor],
    tokens: int | None,
    prefix: Prefix | None,
) -> Tensor:
    """`run` of a chunk, or of its prefix, with `prefix` in the place of a cache."""

    def pushed(layer: int, states: Tensor) -> Tensor:
        return states + pushes[layer].to(states) if layer in pushes else states

    begun = _pushed(chunk, theta)
    hidden_states = through_blocks(loaded.model, chunk.source, chunk.calls, begun, tokens, prefix, pushed)
    return hidden_states if tokens is None else hidden_states[:, -tokens:]


def _padding_first(chunk: Chunk, before: Tensor, after: Tensor) -> Tensor:
    """States (r, P, d) of a prefix and (r·b, T, d) of what follows it, padding between them, as (r·b, P + T, d)."""
    states = torch.cat((before.repeat_interleave(len(chunk.rows), dim=0), after), dim=1)
    if chunk.mask.all():
        return states
    places = torch.arange(states.shape[1], device=states.device)
    padding = (~chunk.mask).sum(dim=1, keepdim=True)
    prompt = places - padding  # place in the prompt, negative for padding
    source = torch.where(prompt < 0, places + before.shape[1], torch.where(prompt < before.shape[1], prompt, places))
    return states.gather(1, source.repeat(chunk.copies, 1)[..., None].expand_as(states))


def _pushed(chunk: Chunk, theta: Tensor | None) -> Tensor:
    """The residual stream at s for every copy, (r·b, T, d), with θ added."""
    stream = chunk.stream
    if theta is None:
        return stream.repeat(chunk.copies, 1, 1)
    theta = theta.to(stream.device, torch.promote_types(theta.dtype, torch.float32))
    if theta.ndim == 2:
        theta = theta[:, None, None]
    # The sum is rounded once, and gradients with respect to θ are summed over positions before any rounding.
    return (stream + theta).to(stream.dtype).flatten(0, -3)
