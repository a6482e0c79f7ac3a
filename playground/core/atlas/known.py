"""Rows of every layer that sweeps have carried, and what each pair has of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from playground.core.atlas.sweeps import Carried, Pair


class Known:
    """Rows of the layers on one side, how far each was carried, and their images pair by pair, on the CPU.

    `width` is that of the rows and `across` that of their images; `at_target` says on which side of a pair they start.
    """

    def __init__(self, pairs: Iterable[Pair], width: int, across: int, at_target: bool) -> None:
        pairs = tuple(pairs)
        layers = sorted({pair[at_target] for pair in pairs})
        self.rows = {layer: torch.empty(0, width) for layer in layers}
        self.reach: dict[int, tuple[int, ...]] = {layer: () for layer in layers}
        self.images = {pair: torch.empty(0, across) for pair in pairs}
        self._at_target = at_target

    def add(self, layer: int, carried: Carried) -> None:
        """Rows that are about to be carried from a layer."""
        self.rows[layer] = torch.cat([self.rows[layer], carried.rows.cpu().float()])
        self.reach[layer] += carried.reach

    def arrived(self, pair: Pair, images: Tensor) -> None:
        """What the newest rows of a pair's layer came to at its other end."""
        self.images[pair] = torch.cat([self.images[pair], images.cpu().float()])

    def state(self) -> dict[str, Tensor]:
        """All of it by name, for a file."""
        state = {f"rows.{layer}": rows for layer, rows in self.rows.items() if len(rows)}
        state |= {f"reach.{layer}": torch.tensor(reach) for layer, reach in self.reach.items() if reach}
        return state | {f"images.{s}.{t}": rows for (s, t), rows in self.images.items() if len(rows)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave, of the same pairs."""
        for name, tensor in state.items():
            what, *numbers = name.split(".")
            if what == "images":
                self.images[int(numbers[0]), int(numbers[1])] = tensor
            elif what == "rows":
                self.rows[int(numbers[0])] = tensor
            else:
                self.reach[int(numbers[0])] = tuple(tensor.tolist())

    def of(self, pair: Pair) -> tuple[Tensor, Tensor]:
        """The rows that have come from one end of a pair to the other, and their images there."""
        start, end = pair[self._at_target], pair[not self._at_target]
        places = [
            place for place, reached in enumerate(self.reach[start]) if abs(reached - start) >= abs(end - start)
        ]
        return self.rows[start][places[: len(self.images[pair])]], self.images[pair]
