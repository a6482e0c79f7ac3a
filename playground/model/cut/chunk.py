"""Some prompts as a cut: one batch, run up to layer s once, with what all of them begin with set aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import InputError
from playground.model.activations import residual_stream
from playground.model.cut.agreement import Refused, check_agreement
from playground.model.cut.cut import Cut, capture, run, run_prefix
from playground.model.cut.kernels import twice_differentiable
from playground.model.cut.memory import graph_bytes
from playground.model.cut.prefix import common, takes_prefix
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs
from playground.model.reference import median, token_norms
from playground.model.steering import steer

# Tokens of a chunk at most, padding and copies counted. On a CPU more of them are no faster and fall out of its caches;
# other devices want their matrix products large.
_CHUNK_TOKENS = {"cpu": 512}
_CHUNK_TOKENS_ELSEWHERE = 16384

_LEAST_SAVED = 0.1  # of all tokens; below that, setting a prefix aside costs what it saves


@dataclass(frozen=True, eq=False)
class Chunk(Cut):
    """A cut of b prompts without padding that all of them share; with a prefix, `mask` is of what comes after it."""

    rows: tuple[int, ...]  # numbers of the b prompts
    mask: Tensor  # (b, T) bool: real tokens
    graph_bytes: int  # about what linearising the blocks s+1..t takes

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
        if self.prefix is None:
            return own
        before = self.prefix.stream
        shared = token_norms(before, torch.ones(before.shape[:2], dtype=torch.bool, device=before.device))
        return torch.cat([own, shared.repeat(len(self.rows))])


@torch.no_grad()
def capture_chunk(
    loaded: LoadedModel,
    encoded: Encoded,
    rows: Sequence[int],
    source: int,
    target: int,
    pushes: Sequence[Push] = (),
    copies: int = 1,
    prefix: int = 0,
) -> Chunk:
    """Run the prompts numbered `rows` up to `target`, steered by `pushes`; `prefix` tokens of each are set aside."""
    part = encoded.take(rows)
    batch = part.take(tuple(range(len(rows))) * copies)
    inputs = forward_inputs(loaded, batch)
    begin = batch.input_ids.shape[1] - batch.lengths[0]
    shared = batch.input_ids[0, begin : begin + prefix].tolist()
    if prefix:
        inputs = _after_prefix(inputs, prefix)
    with twice_differentiable(loaded.model), steer(loaded.model, pushes):
        cut = capture(loaded, inputs, source, target, copies, shared)
    length, depth = cut.stream.shape[1], target - source
    mask = inputs["attention_mask"][: len(rows), -length:].bool().to(cut.stream.device)
    size = graph_bytes(loaded, len(rows) * copies, length, depth, keys=prefix + length)
    size += graph_bytes(loaded, copies, prefix, depth) if prefix else 0
    own = (tuple(rows), mask, size)
    return Chunk(cut.source, cut.stream, cut.calls, cut.copies, cut.prefix, *own, may_idle=cut.may_idle)


def run_chunk(
    loaded: LoadedModel, chunk: Chunk, theta: Tensor | None, pushes: Mapping[int, Tensor], tokens: int | None
) -> Tensor:
    """The residual stream at t, (r·b, P + T, d) or its last `tokens` positions, with θ added to that at s.

    θ is (d,), or (r, d) for a chunk of r copies, in float32 or wider; None adds nothing. `pushes`, (d,) each, are added
    at layers above s. All of it is differentiable twice. Padding comes first, whether or not a prefix was set aside.
    """
    with twice_differentiable(loaded.model):
        prefix, before = run_prefix(loaded, chunk, pushes, chunk.copies, theta, read=tokens is None)
        states = run(loaded, chunk, pushes, chunk.copies, theta, last=tokens, prefix=prefix)
        if tokens is not None:
            states = states[:, -tokens:]
        elif before is not None:
            states = _padding_first(chunk, before, states)
    # Of a model that is spread over devices, block t may have another one than block s, where all else is.
    return states.to(chunk.stream.device)


def check_tokens(encoded: Encoded, tokens: int | None) -> None:
    """Raises InputError for more target tokens than the shortest prompt has; None are all."""
    shortest = min(encoded.lengths)
    if tokens is not None and not 1 <= tokens <= shortest:
        raise InputError(
            f"Expected 1 to {shortest} target tokens, the length of the shortest prompt, got {tokens}; "
            "read fewer, or leave out short prompts."
        )


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
def check_prefix(
    loaded: LoadedModel,
    encoded: Encoded,
    chunk: Chunk,
    below: Sequence[Push],
    above: Mapping[int, Tensor],
    target: int,
    tokens: int | None,
) -> None:
    """Try a chunk with a prefix on its longest and its shortest prompt: Refused unless it computes what the model does.

    Not every family takes a cache as its blocks' argument, or sees all of it. `below` and `above` are the pushes that
    the chunk was captured, and is run, with.
    """
    if not all(map(takes_prefix, chunk.calls)):
        raise Refused(loaded.model, "its blocks are called without a cache")
    places = sorted({0, len(chunk.rows) - 1})
    with steer(loaded.model, [*below, *(Push(layer, vector) for layer, vector in above.items())]):
        expected = residual_stream(loaded, encoded.take([chunk.rows[place] for place in places]), target)
    found = run_chunk(loaded, chunk, None, above, tokens)[places]
    last = found.shape[1]
    real = chunk.real[places, -last:]
    check_agreement(loaded.model, found[real], expected[:, -last:].to(found.device)[real], loaded.dtype)


def tokens_that_fit(loaded: LoadedModel, length: int, depth: int, budget: int) -> int:
    """Tokens of a chunk whose graphs take about a quarter of the budget, for prompts of at most `length` tokens."""
    per_token = graph_bytes(loaded, 1, length, depth) / length
    return min(_CHUNK_TOKENS.get(loaded.device.type, _CHUNK_TOKENS_ELSEWHERE), int(budget / (4 * per_token)))


def reference_norm(chunks: Iterable[Chunk]) -> float:
    """Median norm of the residual stream at s over all real tokens of all prompts."""
    return median(torch.cat([chunk.norms() for chunk in chunks]))


def _after_prefix(inputs: Mapping[str, Tensor], prefix: int) -> dict[str, Tensor]:
    """`inputs` of whole prompts as those of what follows their first `prefix` tokens.

    Padding stands between the prefix and what follows it: what is real there is what all was, less the prefix.
    """
    rest = {name: tensor[:, prefix:] for name, tensor in inputs.items()}
    mask = inputs["attention_mask"]
    rest["attention_mask"] = torch.cat((mask.new_ones(len(mask), prefix), mask[:, :-prefix]), dim=1)
    if "position_ids" in rest:
        rest["position_ids"] = (rest["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)[:, prefix:]
    return rest


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
