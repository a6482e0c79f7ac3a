"""Dense Jacobians of all pairs of layers of a made-up chain of blocks."""

from __future__ import annotations

import pytest
import torch

from playground.core.atlas.sweeps import Pair


def _chain(blocks: int, width: int, seed: int = 0, strength: float = 0.6) -> dict[Pair, torch.Tensor]:
    """J_st (2·width, width) in float32 of s < t: two positions, which blocks that add a few directions read alike."""
    generator = torch.Generator().manual_seed(seed)
    total = 2 * width
    steps = []
    for _ in range(blocks):
        left = torch.randn(total, 6, generator=generator) / total**0.5
        right = torch.randn(6, total, generator=generator)
        noise = torch.randn(total, total, generator=generator) / total**0.5
        steps.append(torch.eye(total) + strength * (left @ right) / 6**0.5 + 0.05 * noise)
    both = torch.cat([torch.eye(width), torch.eye(width)])
    found = {}
    for source in range(blocks):
        image = both
        for target in range(source + 1, blocks):
            image = steps[target] @ image
            found[source, target] = image
    return found


@pytest.fixture
def chain():
    """The function that makes one: chain(blocks, width, seed)."""
    return _chain
