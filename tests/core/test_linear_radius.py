"""core/linear_radius: against maps whose deviation from their Jacobian is known."""

from __future__ import annotations

import math

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.linear_radius import linear_radius
from playground.core.operators import DenseOperator
from playground.errors import Cancelled

WIDTH = 24
UNITS = random_directions(4, WIDTH, 0)


def bent(bend: float):
    """θ ↦ (θ + bend·θ², twice as much at a second position): the deviation at R is bend·R·‖v²‖."""
    return lambda theta: torch.stack([theta + bend * theta**2, 2 * theta + 2 * bend * theta**2], dim=1)


def jacobian(prompts: int) -> DenseOperator:
    once = torch.cat([torch.eye(WIDTH), 2 * torch.eye(WIDTH)])
    return DenseOperator(torch.cat([once] * prompts) / math.sqrt(prompts))


@pytest.mark.parametrize("bend", [0.02, 0.3, 4.0, 60.0])
@pytest.mark.parametrize("prompts", [1, 3])
def test_the_deviation_is_one_half_at_the_radius(toy_of, bend, prompts):
    target = toy_of(WIDTH, [bent(bend)] * prompts)
    expected = 0.5 / (bend * float((UNITS**2).norm(dim=1).square().mean().sqrt()))
    found = linear_radius(target, jacobian(prompts), UNITS, 0.001, 1000.0)
    assert found == pytest.approx(expected, rel=0.11)
    assert len(target.runs) <= 7 * math.ceil(prompts / 2)
    assert set(target.runs) == {len(UNITS)}


def test_it_stays_between_the_ends(toy_of):
    assert linear_radius(toy_of(WIDTH, [bent(0.0)]), jacobian(1), UNITS, 0.1, 5.0) == 5.0
    assert 0.1 <= linear_radius(toy_of(WIDTH, [bent(1e6)]), jacobian(1), UNITS, 0.1, 5.0) < 0.2
    broken = toy_of(WIDTH, [lambda theta: theta[:, None] + torch.where(theta[:, None] > 1, math.inf, 0.0)])
    assert 0.1 <= linear_radius(broken, DenseOperator(torch.eye(WIDTH)), UNITS, 0.1, 50.0) < 50


def test_a_cancel_is_heard_before_every_pass(toy_of):
    with pytest.raises(Cancelled):
        linear_radius(toy_of(WIDTH, [bent(1.0)]), jacobian(1), UNITS, 0.1, 5.0, lambda: True)
