"""Shortcuts through a model: what a family refuses is told once, and what agrees is judged by the model's rounding."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from playground.errors import InputError
from playground.model.cut.agreement import Refused, check_agreement, go_without, refusals

MODEL = nn.Linear(1, 1)


def test_what_a_family_raises_is_a_refusal_with_its_name():
    with pytest.raises(Refused, match="^Linear: TypeError: no such mask$"), refusals(MODEL):
        raise TypeError("no such mask\nand more")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), InputError("Expected 1."), KeyboardInterrupt()])
def test_what_is_not_the_familys_own_goes_through(error):
    with pytest.raises(type(error)), refusals(MODEL):
        raise error


@pytest.mark.parametrize(("dtype", "share"), [(torch.float64, 1e-6), (torch.float32, 1e-4), (torch.bfloat16, 5e-2)])
def test_agreement_is_a_share_of_the_largest_number(dtype, share):
    expected = torch.tensor([100.0, 1.0], dtype=torch.float64)
    check_agreement(MODEL, expected + torch.tensor([0.0, 90 * share]), expected, dtype)
    with pytest.raises(Refused, match="of the largest number"):
        check_agreement(MODEL, expected + torch.tensor([0.0, 110 * share]), expected, dtype)


def test_numbers_that_are_not_finite_agree_with_nothing():
    with pytest.raises(Refused):
        check_agreement(MODEL, torch.tensor([torch.nan]), torch.ones(1), torch.float32)


def test_a_fallback_is_logged_once_with_its_reason(caplog):
    with caplog.at_level(logging.INFO, logger="playground"):
        for _ in range(2):
            go_without("a test", Refused(MODEL, "it does not like it"))
    assert caplog.messages == ["runs without a test (Linear: it does not like it)"]
