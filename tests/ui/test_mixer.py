"""The mixer turns rows of controls into a recipe in units of the model."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.vector_set import Origin, RowNote, VectorSet
from playground.ui.mixer import MixRow, read, recipe_of
from playground.ui.vector_picker import FIRST, RANGE, row_choices

NORM = 10.0


def vector_set() -> VectorSet:
    origin = Origin(
        model="tiny", width=4, block_count=4, source=1, target=3, method="power", residual_norm=NORM, created=now()
    )
    notes = (RowNote(label="code", star=True), RowNote(), RowNote())
    return VectorSet(
        2 * torch.eye(3, 4), origin, singular_values=torch.tensor([3.0, 2.0, 1.0]), notes=notes, name="mine"
    )


def load(name: str) -> VectorSet:
    assert name == "mine"
    return vector_set()


def test_relative_scale_becomes_the_norm_of_what_is_added() -> None:
    recipe = recipe_of([MixRow("mine", "2", scale=-0.5)], load)
    assert [(part.row, part.amount) for part in recipe.components] == [(2, -0.5 * NORM)]


def test_an_average_is_scaled_to_the_same_norm_as_a_vector() -> None:
    (part,) = recipe_of([MixRow("mine", RANGE, first=0, last=1, scale=0.5)], load).components
    average = vector_set().vectors[0:2].mean(dim=0)
    assert part.mean == (0, 2)
    assert abs(part.amount) * float(average.norm()) == pytest.approx(0.5 * NORM, rel=1e-4)


def test_an_average_in_its_native_norm_is_multiplied_and_not_rescaled() -> None:
    (part,) = recipe_of([MixRow("mine", FIRST, count=2, native=True, scale=-1.5)], load).components
    assert part.mean == (0, 2)
    assert part.amount == -1.5


def test_a_row_in_its_native_norm_is_added_with_a_multiple_of_it() -> None:
    (part,) = recipe_of([MixRow("mine", "1", native=True, scale=2.0)], load).components
    assert part.amount == pytest.approx(2 * 2)  # the rows have norm 2


@pytest.mark.parametrize("count", [0, 2.5, None, 4])
def test_an_average_of_a_number_of_rows_that_is_not_there_is_refused(count: object) -> None:
    with pytest.raises(InputError, match="Expected"):
        MixRow("mine", FIRST, count=count, scale=0.5).component(load)


def test_suggested_scales_are_marked_where_each_sign_reaches_them() -> None:
    known = replace(vector_set(), suggested_scales=torch.tensor([[3.0, 6.0], [0.0, 4.0], [0.0, 0.0]]))
    strip = MixRow("mine", "0", scale=0.5).strip(lambda name: known)
    assert re.findall(r'sp-suggested" style="left:([0-9.]+)%', strip) == ["60.00", "30.00"]  # 0.3 and −0.6 of 1.5
    assert "suggested +0.3 and −0.6" in strip
    strip = MixRow("mine", "1", scale=0.5).strip(lambda name: known)
    assert re.findall(r'sp-suggested" style="left:([0-9.]+)%', strip) == ["36.67"]
    assert "sp-suggested" not in MixRow("mine", "2", scale=0.5).strip(lambda name: known)


def test_rows_that_are_empty_muted_or_at_zero_add_nothing() -> None:
    rows = [MixRow(None), MixRow("mine", "0", scale=0.5, mute=True), MixRow("mine", "0", scale=0.0)]
    assert recipe_of(rows, load).components == ()


@pytest.mark.parametrize("scale", ["much", None, float("nan"), float("inf"), 7.0])
def test_a_scale_that_is_no_number_or_out_of_range_is_refused(scale: object) -> None:
    with pytest.raises(InputError, match="Expected"):
        recipe_of([MixRow("mine", "0", scale=scale)], load)


@pytest.mark.parametrize("row", [None, "x", "-1", "1.5"])
def test_a_row_that_is_no_row_is_refused(row: object) -> None:
    with pytest.raises(InputError, match="Expected"):
        recipe_of([MixRow("mine", row, scale=0.5)], load)


def test_an_average_from_high_to_low_is_refused() -> None:
    with pytest.raises(InputError, match="first row up to the last"):
        recipe_of([MixRow("mine", RANGE, first=2, last=0, scale=0.5)], load)


def test_choices_show_label_star_gain_and_the_average() -> None:
    choices = row_choices(vector_set())
    assert choices[0] == ("mean of the first …", FIRST)
    assert choices[1] == ("mean of rows …", RANGE)
    assert choices[2] == ("★ 0 “code” · σ 3", "0")


def test_values_of_the_pool_are_read_row_by_row() -> None:
    rows = read(["mine", "1", 3, 0, 2, False, 0.25, True, None, None, 3, 0, 2, False, 0.0, False])
    assert rows == (MixRow("mine", "1", scale=0.25, mute=True), MixRow(None, None))


def test_small_print_says_norm_and_layer() -> None:
    assert "norm 5 · at block 1" in MixRow("mine", "0", scale=-0.5).strip(load)
