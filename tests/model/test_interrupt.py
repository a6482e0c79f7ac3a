"""Passes through a cut stop between two blocks: forward, backward, and in products with the Jacobian."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from playground.errors import Cancelled
from playground.model.interrupt import interruptible, interrupts_passes


class Chain(nn.Module):
    """Four blocks of a toy model, and how many times `cancelled` was asked."""

    def __init__(self):
        super().__init__()
        self.asked, self.after = 0, float("inf")
        drawn = torch.Generator().manual_seed(0)
        weights = torch.randn(4, 5, 5, dtype=torch.float64, generator=drawn)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(5, 5, bias=False), nn.Tanh()) for _ in weights)
        for block, weight in zip(self.layers, weights, strict=True):
            block[0].weight = nn.Parameter(weight.T.contiguous(), requires_grad=False)

    def cancelled(self):
        self.asked += 1
        return self.asked > self.after

    def forward(self, theta):
        for block in self.layers:
            theta = block(theta)
        return theta


@pytest.fixture
def chain():
    return Chain()


def test_forward_passes_stop_at_the_next_layer(chain):
    chain.after = 2
    with interruptible(chain, chain.cancelled), pytest.raises(Cancelled):
        chain(torch.ones(5, dtype=torch.float64))
    assert chain.asked == 3


def test_backward_passes_stop_too(chain):
    theta = torch.ones(5, dtype=torch.float64, requires_grad=True)
    with interruptible(chain, chain.cancelled):
        out = chain(theta)
    chain.after = chain.asked + 1
    with pytest.raises(Cancelled):
        out.sum().backward()
    assert chain.asked == 6


@pytest.mark.parametrize("batched", [False, True])
def test_products_with_the_jacobian_stop_and_are_exact_otherwise(chain, batched):
    theta = torch.full((5,), 0.3, dtype=torch.float64, requires_grad=True)
    cotangent = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    with interruptible(chain, chain.cancelled):
        out = chain(theta)
        (pulled,) = torch.autograd.grad(out, theta, cotangent, create_graph=True)
    directions = torch.eye(5, dtype=torch.float64) if batched else torch.eye(5, dtype=torch.float64)[0]

    def product():
        (images,) = torch.autograd.grad(pulled, cotangent, directions, retain_graph=True, is_grads_batched=batched)
        return images

    dense = torch.autograd.functional.jacobian(chain, theta.detach())
    asked = chain.asked
    torch.testing.assert_close(product(), (dense @ directions.T).T if batched else dense[:, 0])
    assert chain.asked > asked
    chain.after = chain.asked + 1
    with pytest.raises(Cancelled):
        product()


def test_outside_nothing_is_asked(chain):
    theta = torch.ones(5, dtype=torch.float64, requires_grad=True)
    chain(theta).sum().backward()
    assert chain.asked == 0


def test_once_a_solver_has_heard_of_the_cancel_it_may_finish(chain):
    chain.after = 0
    with interruptible(chain, chain.cancelled) as asked:
        assert asked()
        chain(torch.ones(5, dtype=torch.float64))
    with interruptible(chain, chain.cancelled) as asked:
        with pytest.raises(Cancelled):
            chain(torch.ones(5, dtype=torch.float64))
        chain(torch.ones(5, dtype=torch.float64))
        assert asked()


def test_work_that_interrupts_passes_asks_between_blocks_and_gets_a_question_that_lets_it_finish(chain):
    ones = torch.ones(5, dtype=torch.float64)

    @interrupts_passes
    def work(loaded, cancelled=lambda: False):
        try:
            loaded.model(ones)
        except Cancelled:
            return "stopped", loaded.model(ones) is not None, cancelled()
        return "whole"

    loaded = SimpleNamespace(model=chain)
    assert work(loaded) == "whole"
    chain.after = 2
    assert work(loaded, cancelled=chain.cancelled) == ("stopped", True, True)
    assert chain.asked == 3
    assert not any(block._forward_pre_hooks for block in chain.layers)
