"""Singular vectors that a block Krylov basis can lack although every residual in it is small.

Small residuals say that what was found is right, not that nothing larger was left out. A random first block is sure to
lead to all that is larger, but for three cases.

- A singular value occurs in J at least as often as the block has rows: b random rows lead to b of its vectors at most.
- The block has so few rows that all of them may happen to be nearly orthogonal to a leading vector. That each part of
  it is below ε of its usual length has a probability of order εᵇ.
- The first block was not random, but vectors given to start from.

In the first two, fresh random rows orthogonal to all that was kept go into the next block, for as many steps as it took
so far: what they lead to takes its place among the others. In the last, the best vector that the random rows beside the
start have led to must be sure to stay below the k-th.
"""

from __future__ import annotations

import math

from torch import Tensor

SAFE_ROWS = 4
"""Random rows that lead to all leading vectors: none was missed in thousands of runs (with one row, one in 15 runs).
The subspace solver, which keeps no more than its block, needs so many beyond those wanted."""


def may_exceed(beyond: tuple[float, float], least: float, tolerance: float) -> bool:
    """Whether a vector of σ and residual ‖Jᵀu − σv‖/σ `beyond` can still grow to more than `least`.

    JᵀJ has an eigenvalue within σ²·residual of σ². Where others are as large as the least wanted, it must have
    converged itself.
    """
    value, residual = beyond
    return residual > tolerance and value * math.sqrt(1 + 2 * residual) > least


class MissedCheck:
    """Decides whether random rows enough went into a basis: `rows` were in the first block, `safe` are needed."""

    def __init__(self, rows: int, safe: int) -> None:
        self._rows = rows
        self._safe = safe
        self._began = 0
        self.until = 0  # the step that fresh rows are followed to

    def lacking(self, values: Tensor, residuals: Tensor, slack: float) -> int:
        """Fresh random rows that are needed yet, 0 for none. `slack` is the rounding of equal values, relative."""
        return max(self._safe, _most_equal(values, residuals + slack) + 1) - self._rows

    def add(self, rows: int, step: int) -> None:
        """Fresh rows go into the basis after `step`."""
        self._rows += rows
        self.until = step + max(step - self._began, 2)
        self._began = step


def _most_equal(values: Tensor, residuals: Tensor) -> int:
    """Size of the largest group of neighbours that are equal within their residuals; that of the last does not count.

    More values equal to the last may exist, but no larger ones.
    """
    reach = residuals * values
    most = run = 1
    for i in range(1, len(values)):
        if values[i - 1] - values[i] > reach[i - 1] + reach[i]:
            most, run = max(most, run), 0
        run += 1
    return most if run < len(values) else 0
