"""Clamps hold components within bounds and touch nothing else; controls of edits differ in the direction alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.clamp import Clamp, ablation, bounded
from playground.core.edit import key, like, random_edits, scaled
from playground.core.push import Push
from playground.errors import InputError

WIDTH = 12


def numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(rank=st.integers(1, WIDTH), seed=st.integers(0, 999))
def test_an_ablation_is_the_dense_projection(rank, seed):
    directions, stream = numbers(seed, rank), numbers(seed + 1, 2, 5)
    projector = torch.linalg.pinv(directions) @ directions
    held = ablation(3, directions).apply(stream)
    torch.testing.assert_close(held, stream - stream @ projector)
    torch.testing.assert_close(ablation(3, directions).apply(held), held)  # twice is once


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), low=st.floats(-2, 0), high=st.floats(0, 2), norm=st.floats(0.01, 100))
def test_a_bound_moves_the_component_to_the_nearest_point_inside(seed, low, high, norm):
    direction, stream = numbers(seed), numbers(seed + 1, 2, 5)
    unit = direction / direction.norm()
    held = bounded(0, norm * direction, low, high).apply(stream)
    along = stream @ unit
    torch.testing.assert_close(held @ unit, along.clamp(low, high))
    torch.testing.assert_close(held - (held @ unit)[..., None] * unit, stream - along[..., None] * unit)


def test_rows_that_say_the_same_twice_span_one_direction():
    row = numbers(0)
    assert ablation(0, torch.stack([row, -3 * row, 0 * row])).rank == 1
    assert ablation(0, torch.stack([row.float(), (row / row.norm()).float()])).rank == 1  # up to their rounding
    with pytest.raises(InputError, match="norm 0"):
        ablation(0, torch.zeros(2, WIDTH))


def test_bounds_the_wrong_way_around_are_refused():
    with pytest.raises(InputError, match="lower bound up to the upper one"):
        bounded(0, numbers(0), low=1, high=0)


def test_half_an_ablation_leaves_half_of_the_component():
    direction, stream = numbers(0), numbers(1, 1, 4)
    (half,) = scaled([ablation(0, direction[None])], 0.5)
    torch.testing.assert_close(half.apply(stream) @ direction, 0.5 * stream @ direction)
    assert scaled([half], 0) == ()


def test_controls_have_as_many_directions_and_the_same_bounds():
    edits = (ablation(2, numbers(0, 3)), bounded(1, numbers(1), high=0.5), Push(1, numbers(2)))
    first, second = random_edits(edits, 2, seed=7)
    assert key(first) != key(second)
    for control in (first, second):
        assert like(control[:2]) == like(edits[:2])
        assert isinstance(control[0], Clamp)
        torch.testing.assert_close(control[0].basis @ control[0].basis.T, torch.eye(3, dtype=torch.float64))
        assert control[2].vector.norm() == pytest.approx(float(edits[2].vector.norm()))
    again = random_edits(edits, 2, seed=7)
    assert [key(control) for control in again] == [key(first), key(second)]
    pushes = random_edits(edits[2:], 1, seed=7)
    assert pushes[0][0].vector.norm() == pytest.approx(float(edits[2].vector.norm()))
