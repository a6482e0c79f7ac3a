"""MELBO as it was published, to measure against: written from the method's description.

Vectors one by one. A step runs the whole model, language-model head included, with θ added at s and the residual stream
read at t by hooks, and one backward pass; the gradient loses its parts along finished vectors and along θ; AdamW; θ is
projected and renormalised.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from tests.benchmarks.baselines import whole_model


def one_by_one(
    loaded: LoadedModel,
    encoded: Encoded,
    source: int,
    target: int,
    target_tokens: int,
    radius: float,
    start: Tensor,
    steps: int,
    learning_rate: float = 1e-3,
) -> Tensor:
    """One vector for each row of `start` (k, d), of norm `radius`: (k, d). p = q = 2."""
    states = partial(whole_model, loaded, encoded, source, target)
    start = start.to(loaded.device)
    return in_turn(lambda theta: states(theta)[:, -target_tokens:], radius, start, steps, learning_rate)


def in_turn(
    states: Callable[[Tensor], Tensor], radius: float, start: Tensor, steps: int, learning_rate: float
) -> Tensor:
    """The method itself, whatever gives the `states` (n, K, d) for a θ (d,): (k, d)."""
    theta = torch.zeros_like(start[0])
    with torch.no_grad():
        still = states(theta).float()
    done = theta.new_empty(0, len(theta))

    def on_sphere(row: Tensor) -> Tensor:
        row = row - row @ done.T @ done / radius**2
        return radius * row / row.norm()

    for row in start:
        theta = on_sphere(row).requires_grad_()
        optimiser = torch.optim.AdamW(
            [theta], lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, amsgrad=True, maximize=True
        )
        for _ in range(steps):
            optimiser.zero_grad()
            moved = states(theta).float() - still
            moved.norm(dim=2).square().sum(dim=1).sqrt().sum().backward()
            with torch.no_grad():
                theta.grad -= theta.grad @ done.T @ done / radius**2
                theta.grad -= (theta.grad @ theta) * theta / radius**2
                optimiser.step()
                theta.copy_(on_sphere(theta))
        done = torch.cat([done, theta.detach()[None]])
    return done
