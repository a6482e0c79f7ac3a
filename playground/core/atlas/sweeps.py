"""Products with the Jacobians of all layer pairs: one pass through the model serves every pair of a row or a column.

A tangent that enters at layer s passes every later layer t on its way, and gives J_st v for each of them; a cotangent
from t gives J_stᵀ u for each earlier s. What a sweep costs is counted in rows × blocks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.operators import LinearOperator

Pair = tuple[int, int]
"""Source s and target t, s < t."""


@dataclass(frozen=True)
class Carried:
    """Rows (r, ·) that start at one layer, and the layer that each is carried to, the farthest first."""

    rows: Tensor
    reach: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.reach):
            raise ValueError(f"Expected a reach for each of {len(self.rows)} rows, got {len(self.reach)}.")

    def arriving(self, start: int, layer: int) -> int:
        """How many of the rows from `start` come as far as `layer`; they are the first."""
        return sum(abs(end - start) >= abs(layer - start) for end in self.reach)


class Sweeps(ABC):
    """J_st of shape (m, n) for all pairs of `sources` and `targets` with s < t, behind its products.

    m is prompts · K · d and n is d, the same for all pairs. Products work in `dtype` on `device`, and have the rounding
    of `precision`.
    """

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    shape: tuple[int, int]
    dtype: torch.dtype
    precision: torch.dtype
    device: torch.device

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return tuple((source, target) for source in self.sources for target in self.targets if source < target)

    @abstractmethod
    def forward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        """Carry rows (r, n) of sources towards the targets that they reach.

        Yields, by ascending t, the target and J_st v (r', m) by source s, of the r' rows of s that come as far.
        """

    @abstractmethod
    def backward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        """Carry rows (r, m) of targets towards the sources that they reach.

        Yields, by descending s, the source and J_stᵀ u (r', n) by target t, of the r' rows of t that come as far.
        """


class DenseSweeps(Sweeps):
    """The same of matrices (m, n) that are held as they are: the oracle of tests."""

    def __init__(self, matrices: Mapping[Pair, Tensor]) -> None:
        self.matrices = dict(matrices)
        self.sources = tuple(sorted({source for source, _ in matrices}))
        self.targets = tuple(sorted({target for _, target in matrices}))
        some = next(iter(self.matrices.values()))
        self.shape = (some.shape[0], some.shape[1])
        self.dtype = self.precision = some.dtype
        self.device = some.device

    def forward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        for target in self.targets:
            images = {}
            for source, carried in rows.items():
                count = carried.arriving(source, target) if source < target else 0
                if count:
                    matrix = self.matrices[source, target]
                    images[source] = carried.rows[:count].to(matrix) @ matrix.T
            if images:
                yield target, images

    def backward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        for source in reversed(self.sources):
            images = {}
            for target, carried in rows.items():
                count = carried.arriving(target, source) if source < target else 0
                if count:
                    matrix = self.matrices[source, target]
                    images[target] = carried.rows[:count].to(matrix) @ matrix
            if images:
                yield source, images


class PairOperator(LinearOperator):
    """J_st of one pair, whose products are sweeps of its own."""

    def __init__(self, sweeps: Sweeps, pair: Pair) -> None:
        self._sweeps = sweeps
        self._pair = pair
        self.shape = sweeps.shape
        self.dtype = sweeps.dtype
        self.device = sweeps.device

    @property
    def precision(self) -> torch.dtype:
        return self._sweeps.precision

    def matmat(self, rows: Tensor) -> Tensor:
        source, target = self._pair
        return dict(self._sweeps.forward({source: Carried(rows, (target,) * len(rows))}))[target][source]

    def rmatmat(self, rows: Tensor) -> Tensor:
        source, target = self._pair
        return dict(self._sweeps.backward({target: Carried(rows, (source,) * len(rows))}))[source][target]


def cost(rows: Mapping[int, Carried]) -> int:
    """Rows × blocks of a sweep."""
    return sum(abs(end - start) for start, carried in rows.items() for end in carried.reach)
