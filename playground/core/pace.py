"""Progress of an iterative solver: how many steps there will be, and whether it still improves."""

from __future__ import annotations

import math

from torch import Tensor

_STALL_STEPS = 5  # steps over which nothing improves before the rounding of the products is taken to be reached
_STALL_ENERGY = 1e-4  # … relative growth of Σσ² over those steps
_STALL_RESIDUAL = 0.9  # … factor by which the residual fell over them


class Pace:
    """Estimate of the steps a run still needs, from how fast its largest residual falls, and detection of stalls."""

    def __init__(self, vectors: int, steps: int, tolerance: float) -> None:
        self._vectors = vectors
        self._most = steps
        self._tolerance = tolerance
        self._history: list[tuple[float, float]] = []  # (largest residual, Σσ²) of each step with all vectors
        self.share = 0.0
        self.steps = min(steps, 8)
        self._least = 0

    def record(self, step: int, values: Tensor, residuals: Tensor) -> None:
        if len(values) == self._vectors:
            self._history.append((float(residuals.max()), float(values.square().sum())))
        self.steps = min(self._most, max(step + 1, self._least, self._expected(step)))
        self.share = max(self.share, step / self.steps)

    def expect(self, step: int) -> None:
        """Expect the run to take `step` steps at least."""
        self._least = min(self._most, step)

    def _expected(self, step: int) -> int:
        """Residuals fall by about the same factor a step: extend the line through the last few on a log scale."""
        recent = [math.log(max(residual, 1e-12)) for residual, _ in self._history[-4:]]
        if len(recent) < 2 or recent[-1] >= recent[0]:
            return max(self.steps, step + 2)
        rate = (recent[0] - recent[-1]) / (len(recent) - 1)
        return step + math.ceil((recent[-1] - math.log(self._tolerance)) / rate)

    @property
    def stalled(self) -> bool:
        if len(self._history) <= _STALL_STEPS:
            return False
        (old_residual, old_energy), (residual, energy) = self._history[-1 - _STALL_STEPS], self._history[-1]
        return energy - old_energy <= _STALL_ENERGY * energy and residual > _STALL_RESIDUAL * old_residual
