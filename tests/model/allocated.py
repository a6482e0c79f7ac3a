"""Bytes that tensors take, counted as they come and go: exact on any device, and also of tensors that hold nothing."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Allocated(TorchDispatchMode):
    """Inside it, `now` is how many bytes of what was made inside are still there, and `peak` the most there were.

    `there` are tensors that were there before; views of them cost nothing. Under a FakeTensorMode that is entered
    first, the same is counted of a computation that is not carried out.
    """

    def __init__(self, there: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._seen: weakref.WeakSet[UntypedStorage] = weakref.WeakSet(tensor.untyped_storage() for tensor in there)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage())
        return made

    def _count(self, storage: UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, size)

    def _freed(self, size: int) -> None:
        self.now -= size


def weights(model: torch.nn.Module) -> list[Tensor]:
    """What of a model is in memory before it is run."""
    return [*model.parameters(), *model.buffers()]
