"""Adam's step for rows whose gradients are worked out by hand.

torch.optim.Adam computes the same, but its first use loads PyTorch's compiler, for which a page would wait: ten seconds
when its files are first read, 1.2 s when they are in memory. A step of either takes 0.2 ms.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma and Ba, 2015) for one tensor of parameters, by default with its usual decay rates.

    With `amsgrad` (Reddi, Kale and Kumar, 2018) steps are divided by the largest second moment so far. `rate` may be
    changed between steps.
    """

    def __init__(
        self, rate: float, decay: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8, amsgrad: bool = False
    ) -> None:
        self.rate = rate
        self._decay = decay
        self._epsilon = epsilon
        self._amsgrad = amsgrad
        self._moments: tuple[Tensor, Tensor, Tensor] | None = None  # mean, mean square, and the largest of the latter
        self._steps = 0

    def step(self, gradient: Tensor) -> Tensor:
        """What to add to the parameters, of the gradient's shape; a descent."""
        first, second = self._decay
        mean, square, largest = self._moments or (torch.zeros_like(gradient),) * 3
        mean = mean.lerp(gradient, 1 - first)
        square = (second * square).addcmul(gradient, gradient, value=1 - second)
        largest = torch.maximum(largest, square) if self._amsgrad else square
        self._moments = mean, square, largest
        self._steps += 1
        begun: tuple[float, float] = 1 - first**self._steps, 1 - second**self._steps  # what the means lack at first
        change: Tensor = -self.rate / begun[0] * mean / (largest.sqrt() / begun[1] ** 0.5 + self._epsilon)
        return change

    def select(self, rows: Callable[[Tensor], Tensor]) -> None:
        """Go on with a part of the parameters: `rows` gives it, of a tensor of their shape."""
        if self._moments is not None:
            mean, square, largest = self._moments
            self._moments = rows(mean), rows(square), rows(largest)
