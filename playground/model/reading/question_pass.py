"""A batch of questions run up to block s once, and from there to the end as often as there is something to add."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.core.push import Positions
from playground.model.cut.prefix import Prefix, through_blocks
from playground.model.load import LoadedModel
from playground.model.reading.question_trees import Layout
from playground.model.steering import BlockCall, capture_block_inputs, put_out, read_residuals


@dataclass(frozen=True, eq=False)
class Cut:
    """A layout (b, T) run up to `source`: the residual stream there, and how the model calls the blocks above.

    The calls are made for `copies` batches one below the other; those of a tree go with any number of them.
    """

    layout: Layout
    source: int
    copies: int
    stream: Tensor  # (b, T, d)
    calls: tuple[BlockCall, ...]  # of the blocks s+1..L−1
    prefix: Cut | None = None  # the tokens before the layout, (1, P)


@torch.no_grad()
def cut(loaded: LoadedModel, layout: Layout, source: int, copies: int) -> Cut:
    """Run the layout up to `source`. The model itself lays out masks for the larger batch that copies make."""
    if not layout.prefix:
        return _cut(loaded, layout, source, copies, {"use_cache": False})
    cache = DynamicCache()
    before = _cut(loaded, _alone(layout.prefix), source, 1, {"past_key_values": cache, "use_cache": True})
    return replace(
        _cut(loaded, layout, source, copies, {"past_key_values": cache, "use_cache": True}), prefix=before
    )


@torch.no_grad()
def run_prefix(loaded: LoadedModel, begun: Cut, additions: Mapping[int, Tensor], positions: Positions) -> Prefix | None:
    """What `run` needs of the tokens before the layout, for the same additions; None where there are none.

    It is the same for all layouts that are cut from one list of questions at one source.
    """
    if begun.prefix is None:
        return None
    prefix = Prefix()
    _through(loaded, begun.prefix, additions, positions, prefix, last=1)
    return prefix.finish()


@torch.no_grad()
def run(
    loaded: LoadedModel,
    begun: Cut,
    additions: Mapping[int, Tensor],
    positions: Positions,
    prefix: Prefix | None,
) -> Tensor:
    """What the last block puts out at the layout's reads: (C, R, d), for C rows added at each layer of `additions`.

    `additions` are (C, d) in float32 or wider, at layers from the cut's source on; without any, C is 1. They are cast
    once to the model's dtype, as in `steer`. `prefix` is what `run_prefix` made of them.
    """
    layout = begun.layout
    states = _through(loaded, begun, additions, positions, prefix, layout.last)
    return states[:, layout.rows.to(states.device), layout.places.to(states.device)]


@torch.no_grad()
def logits(loaded: LoadedModel, states: Tensor) -> Tensor:
    """(M, vocabulary): what the model's own final norm and head make of outputs of its last block, (M, d)."""
    one = torch.full((1, 1), loaded.pad_id, device=loaded.device)
    with put_out(loaded.model, states[None]):
        # GPT-2 and its kin lay out the positions as a batch.
        return loaded.model(input_ids=one, attention_mask=torch.ones_like(one), use_cache=False).logits.flatten(0, -2)


def _inputs(loaded: LoadedModel, layout: Layout, copies: int) -> dict[str, Tensor]:
    mask = layout.mask
    if layout.is_tree:
        # As what is added to the attention's scores, which every implementation of attention takes.
        mask = torch.zeros(mask.shape, dtype=loaded.dtype).masked_fill(~mask, torch.finfo(loaded.dtype).min)[:, None]
    given = {"input_ids": layout.input_ids, "attention_mask": mask}
    if "position_ids" in inspect.signature(loaded.model.forward).parameters:
        given["position_ids"] = layout.position_ids
    return {
        name: tensor.repeat(copies, *[1] * (tensor.ndim - 1)).to(loaded.device) for name, tensor in given.items()
    }


def _added(hidden_states: Tensor, rows: Tensor | None, steered: Tensor | None) -> Tensor:
    """`hidden_states` (C, b, T, d) with `rows` (C, d) added where `steered` (b, T) says, everywhere when it is None."""
    if rows is None:
        return hidden_states
    push = rows.to(hidden_states)[:, None, None]
    return hidden_states + (push if steered is None else push * steered.to(hidden_states)[None, :, :, None])


def _cut(loaded: LoadedModel, layout: Layout, source: int, copies: int, caching: dict[str, object]) -> Cut:
    inputs = _inputs(loaded, layout, copies)
    above = range(source + 1, loaded.block_count)
    if not above:
        with read_residuals(loaded.model, [source]) as streams:
            loaded.model(**inputs, **caching)
        return Cut(layout, source, copies, streams[source][: len(layout.input_ids)].clone(), ())
    with capture_block_inputs(loaded.model, above) as calls:
        loaded.model(**inputs, **caching)
    stream = calls[above[0]].hidden_states[: len(layout.input_ids)].clone()
    # What went into the blocks above is not needed, and is as large as the stream for every one of them.
    return Cut(layout, source, copies, stream, tuple(replace(calls[layer], hidden_states=stream) for layer in above))


def _through(
    loaded: LoadedModel,
    begun: Cut,
    additions: Mapping[int, Tensor],
    positions: Positions,
    prefix: Prefix | None,
    last: int,
) -> Tensor:
    """What the last block puts out, (C, b, T, d), right at the `last` places; with `prefix` in the place of a cache."""
    layout, stream = begun.layout, begun.stream
    count = len(next(iter(additions.values()))) if additions else 1
    steered = None if positions == "all" else layout.generated == (positions == "generated")
    begin = _added(stream.expand(count, *stream.shape), additions.get(begun.source), steered).flatten(0, 1)

    def pushed(layer: int, states: Tensor) -> Tensor:
        if layer not in additions:
            return states
        return _added(states.unflatten(0, (count, -1)), additions[layer], steered).flatten(0, 1)

    states = through_blocks(loaded.model, begun.source, begun.calls, begin, last, prefix, pushed)
    return states.unflatten(0, (count, -1))


def _alone(tokens: tuple[int, ...]) -> Layout:
    """Tokens of a prompt as a layout of one row in which nothing is read."""
    ids, none = torch.tensor([tokens]), torch.zeros(0, dtype=torch.int64)
    places = torch.arange(len(tokens))[None]
    return Layout((), ids, places, torch.ones_like(ids), torch.zeros_like(ids).bool(), none, none, (), ())
