"""Mean of item differences balanced by answer letter, with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from playground.analyses.choices.result import MeasuredRow, MeasureResult

DRAWS = 2000
LEVEL = 0.95


class Balance:
    """Means over n items that weigh every letter alike, with bootstrap intervals.

    The mean is the mean over letters of the mean over a letter's items. The interval is the percentile bootstrap, items
    drawn within their letter: the same DRAWS samples for every row, from `seed`.
    """

    def __init__(self, letters: Sequence[str], seed: int) -> None:
        n = len(letters)
        groups = [[i for i, letter in enumerate(letters) if letter == one] for one in sorted(set(letters))]
        generator = torch.Generator().manual_seed(seed)
        self._weights = torch.zeros(n, dtype=torch.float64)
        self._draws = torch.zeros(DRAWS, n, dtype=torch.float64)  # weights of every sample
        for group in groups:
            weight = 1 / (len(groups) * len(group))
            index = torch.tensor(group)
            self._weights[index] = weight
            drawn = index[torch.randint(len(group), (DRAWS, len(group)), generator=generator)]
            self._draws.scatter_add_(1, drawn, torch.full(drawn.shape, weight, dtype=torch.float64))

    def mean(self, values: Tensor) -> tuple[float, float, float]:
        """Mean of `values` (n,) and the bounds of its interval."""
        values = values.double()
        tail = (1 - LEVEL) / 2
        low, high = (self._draws @ values).quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64)).tolist()
        return float(self._weights @ values), low, high


def paired_change(result: MeasureResult, row: MeasuredRow) -> tuple[float, float, float]:
    """Mean change of the item differences at a row, in nats, with the bounds of its paired bootstrap interval."""
    balance = Balance([item.letter for item in result.items], result.request.seed)
    return balance.mean(torch.tensor(row.differences) - torch.tensor(result.baseline.differences))
