"""MELBO-ortho as it was published, to measure against: written from the method's description.

Vectors one by one. A step runs the whole model, language-model head included, with θ added at s and the residual stream
read at t by hooks, and one backward pass; Adam moves θ by the plain gradient; then θ loses its part along the base and
all finished vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from tests.benchmarks.baselines import orthonormal, whole_model


def one_by_one(
    loaded: LoadedModel,
    encoded: Encoded,
    source: int,
    target: int,
    base: Tensor,
    start: Tensor,
    steps: int,
    learning_rate: float,
) -> Tensor:
    """One vector for each row of `start` (k, d): (k, d), each orthogonal to `base` (d,) and to those before it."""
    weights = encoded.attention_mask.to(loaded.device).float()
    weights = weights / weights.sum(dim=1, keepdim=True)

    def read(theta: Tensor) -> Tensor:
        stream = whole_model(loaded, encoded, source, target, theta)
        return torch.einsum("ntd,nt->nd", stream.float(), weights)

    base = base.to(loaded.device)
    with torch.no_grad():
        wanted = read(base)
    done = base[None]
    for row in start.to(base):
        basis = orthonormal(done)
        theta = (row - row @ basis.T @ basis).requires_grad_()
        optimiser = torch.optim.Adam([theta], lr=learning_rate)
        for _ in range(steps):
            optimiser.zero_grad()
            (read(theta) - wanted).norm(dim=1).sum().backward()
            optimiser.step()
            with torch.no_grad():
                theta -= theta @ basis.T @ basis
        done = torch.cat([done, theta.detach()[None]])
    return done[1:]
