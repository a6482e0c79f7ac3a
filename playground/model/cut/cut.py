"""A batch of tokens run up to layer s once, and from there to layer t as often as there is something to add.

What all rows of a batch begin with (a system prompt, the template) may be set aside as a row of its own, whose keys and
values the blocks then read: it is run once instead of once for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from playground.model.blocks import decoder_blocks, where_others_are_idle
from playground.model.cut.agreement import Refused, check_agreement, go_without, refusals
from playground.model.cut.prefix import Prefix, with_prefix
from playground.model.load import LoadedModel
from playground.model.prompting import forward_inputs, pad_left
from playground.model.steering import BlockCall, capture_block_inputs, only_last_positions, read_residuals


@dataclass(frozen=True, eq=False)
class Cut:
    """b rows run up to layer s: the residual stream there, and how the model calls the blocks above.

    The calls are made for `copies` batches one below the other: row c·b + i is copy c of row i. With a `prefix`, itself
    a cut of one row, `stream` is of what comes after it.
    """

    source: int  # s
    stream: Tensor  # (b, T, d) residual stream at s
    calls: tuple[BlockCall, ...]  # of the blocks s+1..t
    copies: int
    prefix: Cut | None
    may_idle: bool = field(default=False, kw_only=True)  # whether parts of block t may work on what is read alone


@torch.no_grad()
def capture(
    loaded: LoadedModel,
    inputs: Mapping[str, Tensor],
    source: int,
    target: int,
    copies: int = 1,
    prefix: Sequence[int] = (),
) -> Cut:
    """Run `inputs`, what the model is called with for copies·b rows, up to layer t and keep what blocks s+1..t need.

    The tokens `prefix` stand before all rows; masks and positions in `inputs` count them, its tokens come after them.
    The model itself lays out masks for the larger batch that copies make: how they are shaped differs by family.
    Raises Refused when the model does not take inputs, or a prefix, of this kind.
    """
    if not prefix:
        return _captured(loaded, {**inputs, "use_cache": False}, source, target, copies, None)
    cache = DynamicCache()
    caching = {"use_cache": True, "past_key_values": cache}
    alone = forward_inputs(loaded, pad_left(loaded, [prefix] * copies))
    before = _captured(loaded, {**alone, **caching}, source, target, copies, None)
    cache.batch_repeat_interleave(len(inputs["input_ids"]) // copies)
    return _captured(loaded, {**inputs, **caching}, source, target, copies, before)


def run(
    loaded: LoadedModel,
    cut: Cut,
    additions: Mapping[int, Tensor],
    copies: int = 1,
    theta: Tensor | None = None,
    places: Tensor | None = None,
    last: int | None = None,
    prefix: Prefix | None = None,
) -> Tensor:
    """The residual stream at t, (C·b, T, d) for C `copies`; with `last`, only so many last places of it are right.

    `additions`, (d,) or (C, d) each in float32 or wider, are added at their layers from s on where `places` (b, T)
    says, everywhere when it is None, and are cast once to the model's dtype, as in `steer`. `theta`, (d,) or (C, d), is
    added everywhere at s: that sum is rounded once, and gradients with respect to θ are summed over positions before
    any rounding. `prefix` is what `run_prefix` made of the same. Differentiable twice on kernels that are (kernels.py).
    Raises Refused when the model does not take as many copies or the prefix.
    """
    begun = cut.stream.expand(copies, *cut.stream.shape)
    if theta is not None:
        wide = theta.to(begun.device, torch.promote_types(theta.dtype, torch.float32))
        begun = (begun + _broadcast(wide)).to(begun.dtype)
    states = _added(begun, additions.get(cut.source), places).flatten(0, 1)
    blocks = decoder_blocks(loaded.model)[cut.source + 1 : cut.source + 1 + len(cut.calls)]
    calls = [call if prefix is None else with_prefix(call, prefix) for call in cut.calls]
    for layer, (call, block) in enumerate(zip(calls, blocks, strict=True), start=cut.source + 1):
        with refusals(loaded.model), ExitStack() as idle:
            if last is not None and cut.may_idle and layer == cut.source + len(calls):
                for module in where_others_are_idle(block):
                    idle.enter_context(only_last_positions(module, last))
            states = call(block, states)
        if layer in additions:
            states = _added(states.unflatten(0, (copies, -1)), additions[layer], places).flatten(0, 1)
    return states


def run_prefix(
    loaded: LoadedModel,
    cut: Cut,
    additions: Mapping[int, Tensor],
    copies: int = 1,
    theta: Tensor | None = None,
    read: bool = False,
) -> tuple[Prefix | None, Tensor | None]:
    """What `run` needs of the tokens set aside, for the same additions at all of them; None where none are.

    The second is their residual stream at t, (C, P, d), right where it is to be `read`: else their keys and values are
    all that is wanted of the last block. Cuts with the same tokens set aside at one s may share the first.
    """
    if cut.prefix is None:
        return None, None
    prefix = Prefix()
    states = run(loaded, cut.prefix, additions, copies, theta, last=None if read else 1, prefix=prefix)
    return prefix.finish(), states


def _captured(
    loaded: LoadedModel,
    inputs: Mapping[str, object],
    source: int,
    target: int,
    copies: int,
    prefix: Cut | None,
) -> Cut:
    layers = range(source + 1, target + 1)
    calls: dict[int, BlockCall] = {}
    if layers:
        with capture_block_inputs(loaded.model, layers) as calls, refusals(loaded.model):
            loaded.model(**inputs)
        stream = calls[source + 1].hidden_states
    else:
        with read_residuals(loaded.model, [source]) as streams, refusals(loaded.model):
            loaded.model(**inputs)
        stream = streams[source]
    # What went into the blocks above is not needed, and is as large as the stream for every one of them; neither are
    # the copies, of which a slice would hold all in memory, nor the model's cache.
    stream = stream[: len(stream) // copies].clone() if copies > 1 else stream
    alone = {layer: with_prefix(calls[layer], Prefix()) for layer in layers}
    may_idle = bool(alone) and _may_idle(loaded, decoder_blocks(loaded.model)[target], alone[target])
    light = tuple(replace(call, hidden_states=stream) for call in alone.values())
    return Cut(source, stream, light, copies, prefix, may_idle=may_idle)


_MAY_IDLE: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def _may_idle(loaded: LoadedModel, block: nn.Module, call: BlockCall) -> bool:
    """Whether a block gives the same at its last position when parts of it work on that alone; tried once a block.

    Not where positions are mixed after these parts, or inside of them (convolutions in Inkling).
    """
    if block not in _MAY_IDLE:
        if call.hidden_states.shape[1] == 1:
            return True  # nothing to leave out, and nothing to learn
        try:
            with refusals(loaded.model), ExitStack() as idle:
                expected = call(block, call.hidden_states)[:, -1]
                for module in where_others_are_idle(block):
                    idle.enter_context(only_last_positions(module, 1))
                found = call(block, call.hidden_states)[:, -1]
            check_agreement(loaded.model, found, expected, loaded.dtype)
        except Refused as refused:
            go_without("leaving out what is not read", refused)
            _MAY_IDLE[block] = False
        else:
            _MAY_IDLE[block] = True
    return _MAY_IDLE[block]


def _added(states: Tensor, vectors: Tensor | None, places: Tensor | None) -> Tensor:
    """`states` (C, b, T, d) with `vectors`, (d,) or (C, d), added where `places` (b, T) says."""
    if vectors is None:
        return states
    push = _broadcast(vectors.to(states))
    return states + (push if places is None else push * places.to(states)[None, :, :, None])


def _broadcast(vectors: Tensor) -> Tensor:
    """(d,) as it is, and (C, d) as (C, 1, 1, d)."""
    return vectors if vectors.ndim == 1 else vectors[:, None, None]
