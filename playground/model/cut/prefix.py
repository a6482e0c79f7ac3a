"""Tokens that several sequences begin with, run once: keys and values that they leave in each block for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from playground.model.steering import BlockCall


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


def common(sequences: Sequence[Sequence[int]], room: int = 1) -> int:
    """How many tokens all sequences begin with, short of the last `room` tokens of any."""
    rows = [tuple(sequence) for sequence in sequences]
    first, last = min(rows), max(rows)
    most = max(0, min(map(len, rows)) - room)
    return next((count for count in range(most) if first[count] != last[count]), most)


def _joined(before: Tensor, after: Tensor) -> Tensor:
    times = len(after) // len(before)
    return torch.cat((before if times == 1 else before.repeat_interleave(times, dim=0), after), dim=-2)
