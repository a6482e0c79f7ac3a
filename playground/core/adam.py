"""Adam's step for rows whose gradients are worked out by hand.

torch.optim.Adam computes the same, but its first use loads PyTorch's compiler: ten seconds, in which a page would wait.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma and Ba, 2015) with its usual decay rates, for one tensor of parameters. `rate` may be changed."""

    def __init__(self, rate: float, decay: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8) -> None:
        self.rate = rate
        self._decay = decay
        self._epsilon = epsilon
        self._mean: Tensor | None = None
        self._square: Tensor | None = None
        self._steps = 0

    def step(self, gradient: Tensor) -> Tensor:
        """What to add to the parameters, of the gradient's shape; a descent."""
        first, second = self._decay
        if self._mean is None or self._square is None:
            self._mean, self._square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient.square()
        self._steps += 1
        mean = self._mean / (1 - first**self._steps)
        spread = (self._square / (1 - second**self._steps)).sqrt()
        return -self.rate * mean / (spread + self._epsilon)
