from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.core.metric import diagonal
from playground.core.settings import METRICS
from playground.errors import InputError

VARIANCES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20).map(torch.tensor)


def test_the_identity_is_none_whatever_the_variance():
    assert diagonal("identity", torch.zeros(3)) is None


@settings(deadline=None)
@given(VARIANCES)
def test_a_metric_has_mean_one_and_the_other_is_its_inverse(variance):
    direct, inverse = diagonal("variance", variance), diagonal("inverse-variance", variance)
    assert float(direct.mean()) == pytest.approx(1, rel=1e-5)
    assert float(inverse.mean()) == pytest.approx(1, rel=1e-5)
    torch.testing.assert_close(direct / variance, (direct / variance)[:1].expand_as(direct), rtol=1e-5, atol=0)
    torch.testing.assert_close(inverse * variance, (inverse * variance)[:1].expand_as(direct), rtol=1e-5, atol=0)


@settings(deadline=None)
@given(VARIANCES, st.floats(1e-3, 1e3), st.sampled_from(METRICS[1:]))
def test_the_unit_of_the_residual_stream_changes_nothing(variance, factor, name):
    torch.testing.assert_close(diagonal(name, factor * variance), diagonal(name, variance), rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", METRICS[1:])
@pytest.mark.parametrize("variance", [torch.zeros(4), torch.tensor([1.0, 0.0, 2.0]), torch.tensor([1.0, 1e-20])])
def test_an_entry_that_does_not_vary_makes_it_singular(name, variance):
    with pytest.raises(InputError, match="varies in every entry.*use the identity"):
        diagonal(name, variance)


@pytest.mark.parametrize("wrong", [[1.0, math.nan], [1.0, math.inf], [1.0, -1.0], [[1.0]]])
def test_a_variance_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="finite numbers, 0 or more"):
        diagonal("variance", torch.tensor(wrong))


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="identity, variance, inverse-variance, got 'fisher'"):
        diagonal("fisher", torch.ones(2))
