"""Tokens that several sequences begin with, run once: keys and values that they leave in each block for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from playground.model.blocks import decoder_blocks, where_others_are_idle
from playground.model.steering import BlockCall, only_last_positions


class Prefix:
    """Keys and values (C, heads, P, …) that a prefix leaves in each block, in the place of a transformers cache.

    Unlike one it keeps their graph, and serves any number of passes: those of b·C rows, b for each row of the prefix.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._whole = False

    def finish(self) -> Prefix:
        """From now on keys and values are read, and what follows the prefix leaves none."""
        self._whole = True
        return self

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """As the attention of a block calls it, with keys and values of this pass."""
        if not self._whole:
            self._kept[layer] = keys, values
            return keys, values
        before = self._kept[layer]
        return _joined(before[0], keys), _joined(before[1], values)


def takes_prefix(call: BlockCall) -> bool:
    """Whether a block was called with a cache, or with a prefix in its place."""
    return any(isinstance(value, Cache | Prefix) for value in (*call.args, *call.kwargs.values()))


def with_prefix(call: BlockCall, prefix: Prefix) -> BlockCall:
    """The call with `prefix` in the place of its cache, whatever the family calls that."""

    def exchanged(value: Any) -> Any:
        return prefix if isinstance(value, Cache | Prefix) else value

    kwargs = {name: exchanged(value) for name, value in call.kwargs.items()}
    return replace(call, args=tuple(map(exchanged, call.args)), kwargs=kwargs)


def through_blocks(
    model: nn.Module,
    source: int,
    calls: Sequence[BlockCall],
    hidden_states: Tensor,
    last: int | None,
    prefix: Prefix | None,
    pushed: Callable[[int, Tensor], Tensor],
) -> Tensor:
    """`hidden_states` (B, T, d) through the blocks after `source`, called as in `calls`, with `prefix` as their cache.

    `pushed` gives what a layer's output becomes. With `last`, only so many last places of the result are right: the
    others leave the last block keys and values, and no more.
    """
    blocks = decoder_blocks(model)[source + 1 : source + 1 + len(calls)]
    with ExitStack() as cuts:
        for module in where_others_are_idle(blocks[-1]) if last is not None and len(blocks) else ():
            cuts.enter_context(only_last_positions(module, last))
        for layer, (call, block) in enumerate(zip(calls, blocks, strict=True), start=source + 1):
            call = call if prefix is None else with_prefix(call, prefix)
            hidden_states = pushed(layer, call(block, hidden_states))
    return hidden_states


def common(sequences: Sequence[Sequence[int]], room: int = 1) -> int:
    """How many tokens all sequences begin with, short of the last `room` tokens of any."""
    first, last = min(sequences), max(sequences)
    most = max(0, min(map(len, sequences)) - room)
    return next((count for count in range(most) if first[count] != last[count]), most)


def _joined(before: Tensor, after: Tensor) -> Tensor:
    times = len(after) // len(before)
    return torch.cat((before if times == 1 else before.repeat_interleave(times, dim=0), after), dim=-2)
