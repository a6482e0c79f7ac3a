from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.displacement import Piece, displacement, squared, value, value_and_gradient
from playground.errors import Cancelled

FLOAT32 = 2e-5  # relative: a few hundred float32 operations


def pushes(k, d, seed=0, dtype=torch.float32):
    return torch.randn(k, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_hand(target, theta):
    """Σ over prompts of ‖f_i(θ) − f_i(0)‖², one push and one prompt at a time, in the map's own dtype."""
    zero = torch.zeros(1, target.width, dtype=target.dtype)
    return torch.stack(
        [sum(((f(row[None]) - f(zero)) ** 2).sum() for f in target.functions) for row in theta.to(target.dtype)]
    )


@pytest.mark.parametrize("together", [1, 2, 5])
def test_values_and_gradients_are_those_of_every_push_and_prompt_by_itself(toy, together):
    target = toy(7, positions=(3, 1, 4, 2, 2), together=together, dtype=torch.float64)
    theta = pushes(4, 7, dtype=torch.float64)
    values, gradients = value_and_gradient(target, theta, squared)
    exact = theta.clone().requires_grad_()
    total = by_hand(target, exact)
    (slope,) = torch.autograd.grad(total.sum(), exact)
    torch.testing.assert_close(values, total.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradients, slope, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(value(target, theta, squared), values, rtol=1e-12, atol=0)


def test_float32_pushes_give_float32_on_the_cpu_close_to_float64(toy):
    theta = pushes(3, 9)
    values, gradients = value_and_gradient(toy(9), theta, squared)
    exact, slope = value_and_gradient(toy(9, dtype=torch.float64), theta.double(), squared)
    assert values.dtype == gradients.dtype == torch.float32
    torch.testing.assert_close(values.double(), exact, rtol=FLOAT32, atol=0)
    torch.testing.assert_close(gradients.double(), slope, rtol=FLOAT32, atol=FLOAT32 * float(slope.abs().max()))
    assert theta.grad is None
    assert not theta.requires_grad


def test_gradients_agree_with_finite_differences(toy):
    target = toy(5, dtype=torch.float64)
    theta, step = pushes(2, 5, dtype=torch.float64), 1e-6
    _, gradients = value_and_gradient(target, theta, squared)
    for entry in torch.eye(5, dtype=torch.float64):
        slope = (value(target, theta + step * entry, squared) - value(target, theta - step * entry, squared)) / (
            2 * step
        )
        torch.testing.assert_close(gradients @ entry, slope, rtol=1e-6, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(d=st.integers(1, 8), prompts=st.integers(1, 4), scale=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_along_singular_vectors_of_a_linear_map_the_displacement_is_sigma_times_the_norm(d, prompts, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    matrices = torch.randn(prompts, 3, d, d, generator=generator, dtype=torch.float64)
    linear = [lambda theta, m=m: torch.einsum("kij,rj->rki", m.to(theta), theta) + 1 for m in matrices]
    target = LinearMap(d, linear)
    stacked = matrices.flatten(0, 2) / prompts**0.5
    _, sigma, rows = torch.linalg.svd(stacked, full_matrices=False)
    torch.testing.assert_close(displacement(target, scale * rows), scale * sigma, rtol=1e-9, atol=1e-9)


class LinearMap:
    """Maps of equal length in float64, all prompts in one piece."""

    dtype, device = torch.float64, torch.device("cpu")

    def __init__(self, width, functions):
        self.width, self.functions, self.prompts = width, functions, len(functions)
        self.most_copies = None

    def pieces(self, copies):
        def run(theta):
            return torch.stack([f(theta) for f in self.functions], dim=1)

        still = run(torch.zeros(1, self.width, dtype=self.dtype))[0]
        return [Piece(tuple(range(self.prompts)), run, torch.ones(still.shape[:2], dtype=torch.bool), still)]


def test_no_push_moves_nothing(toy):
    assert torch.equal(displacement(toy(6), torch.zeros(2, 6)), torch.zeros(2))


def test_what_stands_at_padded_positions_counts_for_nothing(toy):
    target = toy(6, positions=(1, 3))
    (piece,) = target.pieces(2)
    states = piece.run(pushes(2, 6))
    states[:, 0, :2] = 1e6  # the first prompt has one real position of three
    assert not piece.mask[0, :2].any()
    clean = squared(piece.run(pushes(2, 6)), piece)
    torch.testing.assert_close(squared(states, piece), clean, rtol=0, atol=0)


def test_differences_of_coarse_states_are_taken_in_float32():
    still = torch.full((1, 1, 1), 256.0, dtype=torch.bfloat16)
    piece = Piece((0,), lambda theta: theta, torch.ones(1, 1, dtype=torch.bool), still)
    assert piece.moved(torch.full((1, 1, 1, 1), 258.0, dtype=torch.bfloat16)).dtype == torch.float32
    assert float(piece.moved(torch.full((1, 1, 1, 1), 257.25))) == 1.25


def test_one_graph_lives_at_a_time(toy):
    target, alive, most = toy(4, positions=(2, 2, 2), together=1), [0], [0]

    class Graph(torch.autograd.Function):
        @staticmethod
        def forward(ctx, states):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            return states.clone()

        @staticmethod
        def backward(ctx, gradient):
            alive[0] -= 1
            return gradient

    value_and_gradient(target, pushes(2, 4), lambda states, piece: squared(Graph.apply(states), piece))
    assert (alive, most) == ([0], [1])


def test_a_cancel_takes_effect_before_the_next_piece(toy):
    target = toy(4, positions=(1, 1, 1), together=1)
    for work in (value_and_gradient, value):
        target.runs.clear()
        with pytest.raises(Cancelled):
            work(target, pushes(2, 4), squared, lambda: len(target.runs) >= 2)
        assert len(target.runs) == 2


def test_gradients_are_there_even_where_the_caller_switched_them_off(toy):
    with torch.no_grad():
        _, gradients = value_and_gradient(toy(4), pushes(2, 4), squared)
    assert gradients.abs().min() > 0


def test_a_piece_whose_mask_does_not_fit_is_a_bug_that_says_so():
    with pytest.raises(ValueError, match=r"mask \(b, K\)"):
        Piece((0, 1), lambda theta: theta, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 4, 5))
