"""The vector picker: what it shows when another set is chosen."""

from __future__ import annotations

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.vector_set import Origin, VectorSet
from playground.ui.kit.pick import FIRST, RANGE, Pick
from playground.ui.widgets.vector_controls import with_set


def of(rows: int, method: str = "ortho") -> VectorSet:
    origin = Origin(
        model="tiny", width=6, block_count=4, source=1, target=3, method=method, residual_norm=10.0, created=now()
    )
    return VectorSet(2 * torch.eye(rows, 6), origin, name="other")


def test_the_mean_of_the_first_rows_stays_when_another_set_is_chosen() -> None:
    kept = with_set(Pick("other", FIRST, count=4, native=True, scale=-1.5), of(6))
    assert (kept.rows, kept.native, kept.scale) == ((0, 4), True, -1.0)
    assert with_set(Pick("other", FIRST, count=4), of(3)).rows == (0, 3)
    unit = with_set(Pick("other", FIRST, count=4, native=True, scale=1.0), of(6, "power"))
    assert (unit.rows, unit.native) == ((0, 4), False)


def test_a_mean_of_a_range_stays_within_the_rows_of_the_other_set() -> None:
    assert with_set(Pick("other", RANGE, first=1, last=3), of(6)).rows == (1, 4)
    assert with_set(Pick("other", RANGE, first=4, last=5), of(3)).rows == (2, 3)


def test_a_set_of_one_row_has_no_mean_and_a_row_is_not_kept() -> None:
    assert with_set(Pick("other", FIRST), of(1)).rows == 0
    assert with_set(Pick("other", "5"), of(3)).row == "0"


def test_a_count_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="the number of vectors to average"):
        with_set(Pick("other", FIRST, count=0), of(3))
