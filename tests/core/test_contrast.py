from __future__ import annotations

import pytest
import torch

from playground.core.contrast import mean_difference, random_directions
from playground.errors import InputError


def test_random_directions_are_unit_rows_in_float32_and_the_same_for_a_seed():
    rows = random_directions(6, 40, seed=3)
    assert rows.shape == (6, 40)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(6))
    assert torch.equal(rows, random_directions(6, 40, seed=3))
    assert not torch.equal(rows, random_directions(6, 40, seed=4))


def test_a_larger_draw_contains_the_smaller_one():
    assert torch.equal(random_directions(9, 17, seed=1)[:4], random_directions(4, 17, seed=1))


def test_directions_are_spread_evenly():
    # The mean of N unit vectors in d dimensions has norm about 1/√N; every coordinate has variance 1/d.
    rows = random_directions(4000, 16, seed=0)
    assert rows.mean(dim=0).norm() < 4 / 4000**0.5
    torch.testing.assert_close(rows.var(dim=0), torch.full((16,), 1 / 16), rtol=0.15, atol=0)


def test_the_global_generator_is_neither_read_nor_moved():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    random_directions(2, 3, seed=5)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("k", "d"), [(0, 4), (2, 0)])
def test_an_empty_draw_is_refused(k, d):
    with pytest.raises(InputError, match="at least one"):
        random_directions(k, d, seed=0)


def test_a_mean_difference_turns_one_mean_into_the_other():
    generator = torch.Generator().manual_seed(0)
    positive, negative = (torch.randn(n, 24, generator=generator, dtype=torch.float64) for n in (5, 3))
    found = mean_difference(positive, negative)
    assert (found.shape, found.dtype) == ((1, 24), torch.float32)
    torch.testing.assert_close(negative.mean(dim=0) + found[0].double(), positive.mean(dim=0), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(mean_difference(negative, positive), -found)


def test_a_small_difference_of_large_means_survives_their_rounding():
    """Means in float32 would lose what the sides differ by: 1e5 ± 0.01 has no such digits after a sum of 1000 rows."""
    negative = torch.full((1000, 2), 1e5, dtype=torch.float32)
    positive = negative.clone()
    positive[::2, 0] += 0.0625  # a difference that float32 holds at 1e5, in every second row
    torch.testing.assert_close(mean_difference(positive, negative), torch.tensor([[0.03125, 0.0]]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("positive", "negative", "words"),
    [
        (torch.empty(0, 4), torch.ones(2, 4), ["first side", "(0, 4)"]),
        (torch.ones(2, 4), torch.empty(0, 4), ["second side", "(0, 4)"]),
        (torch.ones(4), torch.ones(2, 4), ["first side", "(4,)"]),
        (torch.ones(2, 4), torch.ones(2, 5), ["one width", "4 and 5"]),
        (torch.ones(2, 4), torch.full((1, 4), torch.nan), ["second side", "NaN"]),
        (torch.ones(2, 4), torch.ones(3, 4), ["differ", "same"]),
    ],
)
def test_sides_that_give_no_difference_are_refused(positive, negative, words):
    with pytest.raises(InputError) as caught:
        mean_difference(positive, negative)
    assert all(word in str(caught.value) for word in words), caught.value
