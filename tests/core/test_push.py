from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import InputError


def test_a_push_knows_its_width_for_one_direction_and_for_one_a_row():
    assert Push(0, torch.ones(4)).width == 4
    assert Push(3, torch.ones(2, 4)).width == 4


def test_block_zero_is_a_valid_layer_and_a_negative_one_is_not():
    assert Push(0, torch.ones(4)).layer == 0
    with pytest.raises(InputError, match="got -1"):
        Push(-1, torch.ones(4))


@pytest.mark.parametrize("shape", [(), (1, 2, 3), (0,)])
def test_a_direction_of_another_rank_is_refused(shape):
    with pytest.raises(InputError, match="shape"):
        Push(0, torch.ones(shape))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_direction_that_is_not_finite_is_refused(value):
    with pytest.raises(InputError, match="finite"):
        Push(0, torch.tensor([1.0, value]))


def test_a_direction_of_integers_is_refused():
    with pytest.raises(InputError, match="finite real"):
        Push(0, torch.ones(3, dtype=torch.int64))
