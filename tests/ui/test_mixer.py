"""The mixer turns rows of controls into a recipe in units of the model."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.vector_set import Origin, RowNote, VectorSet
from playground.ui.mixer import MOST_ROWS, Mix, MixRow, converted, is_absolute, recipe_of
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


def test_what_was_seen_beyond_the_usual_end_of_a_slider_is_added_all_the_same() -> None:
    with pytest.raises(InputError, match="from −1.5 to 1.5, got 2"):
        MixRow("mine", "1", scale=2.0).component(load)
    row = MixRow("mine", "1", scale=-2.0, widest=2.0)
    assert row.component(load).amount == -2 * NORM
    assert row.reach(vector_set()) == (2.0, 0.01)
    assert converted(row, True, load).component(load).amount == -2 * NORM


def test_an_earlier_word_of_a_row_that_comes_in_later_counts_no_more() -> None:
    mix = Mix({0: MixRow("mine", "1", scale=0.1)})
    assert mix.note(0, {"scale": 0.3}, number=20).scale == 0.3
    assert mix.note(0, {"scale": 0.2}, number=10).scale == 0.3
    assert mix.rows[0].scale == 0.3
    assert mix.note(0, {"scale": 0.4, "mute": True}, number=30) == MixRow("mine", "1", scale=0.4, mute=True)
    assert mix.note(1, {"scale": 0.4}, number=40) is None
    assert mix.note(0, {"scale": 0.5}, number=50, drawn=mix.drawn + 1) is None
    assert mix.rows == {0: MixRow("mine", "1", scale=0.4, mute=True)}


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
    # Where none was found, or looked for: a large set has them for its first rows only.
    assert "try ±0.5" in MixRow("mine", "2", scale=0.5).strip(lambda name: known)


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


def test_small_print_says_norm_reference_and_layer() -> None:
    assert "norm 5 = 0.5 × 10, the mean norm at block 1" in MixRow("mine", "0", scale=-0.5).strip(load)


def test_absolute_scales_are_norms() -> None:
    recipe = recipe_of([MixRow("mine", "2", scale=-5.0, absolute=True)], load)
    assert [(part.row, part.amount) for part in recipe.components] == [(2, -5.0)]
    assert "norm 5 = 0.5 × 10" in MixRow("mine", "2", scale=-5.0, absolute=True).strip(load)
    with pytest.raises(InputError, match="Expected a norm from −15 to 15, got 16"):
        recipe_of([MixRow("mine", "2", scale=16, absolute=True)], load)


@pytest.mark.parametrize("row", [MixRow("mine", "1", scale=0.37), MixRow("mine", FIRST, count=2, scale=-0.5)])
def test_another_unit_is_the_same_push_and_the_way_back_too(row: MixRow) -> None:
    there = converted(row, True, load)
    assert there.scale == pytest.approx(row.scale * NORM)
    assert recipe_of([there], load) == recipe_of([row], load)
    assert converted(there, False, load) == row


def test_a_scale_in_native_norms_is_the_same_in_both_units() -> None:
    row = MixRow("mine", "1", native=True, scale=2.0)
    assert converted(row, True, load).scale == 2.0
    assert recipe_of([converted(row, True, load)], load) == recipe_of([row], load)


def test_a_unit_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="relative or absolute"):
        is_absolute("inches")


def test_a_slider_in_norms_ends_on_one_of_its_steps() -> None:
    known = replace(vector_set(), origin=replace(vector_set().origin, residual_norm=32.653))
    most, step = MixRow("mine", "0", absolute=True).reach(known)
    assert step == 0.01
    assert most == pytest.approx(48.98)
    assert most / step == pytest.approx(round(most / step))


def test_solo_plays_one_row_alone_also_a_muted_one_and_ends() -> None:
    mix = Mix()
    mix.show([MixRow("mine", "0", scale=0.1), MixRow("mine", "1", scale=0.2, mute=True)])
    first, second = mix.rows
    mix.play_alone(second, True)
    assert [part.row for part in recipe_of(mix.all, load).components] == [1]
    assert mix.remark(first) == "silent: another row is solo"
    mix.play_alone(first, True)
    assert [part.row for part in recipe_of(mix.all, load).components] == [0]
    mix.play_alone(first, False)
    assert [part.row for part in recipe_of(mix.all, load).components] == [0]
    assert mix.remark(first) == ""


def test_rows_come_until_the_page_is_full_and_keep_their_places() -> None:
    mix = Mix()
    mix.show([MixRow("mine", "0")] * (MOST_ROWS - 1))
    mix.add(MixRow("mine", "2"))
    with pytest.raises(InputError, match=f"at most {MOST_ROWS} rows"):
        mix.add(MixRow("mine", "1"))
    del mix.rows[5]
    mix.add(MixRow("mine", "1"))
    assert [slot for slot, row in mix.rows.items() if row.row != "0"] == [MOST_ROWS - 1, 5]
    assert [row.row for row in mix.all] == ["0"] * 5 + ["1"] + ["0"] * (MOST_ROWS - 7) + ["2"]
    with pytest.raises(InputError, match=f"at most {MOST_ROWS} rows"):
        mix.show([MixRow("mine", "0")] * (MOST_ROWS + 1))


def test_the_unit_of_all_rows_changes_together_or_not_at_all() -> None:
    mix = Mix()
    mix.show([MixRow("mine", "0", scale=0.5), MixRow("mine", "1", scale="much")])
    with pytest.raises(InputError, match="number"):
        mix.count_in(True, load)
    assert not mix.absolute
    assert mix.all[0].scale == 0.5
    mix.show([MixRow("mine", "0", scale=0.5)])
    mix.count_in(True, load)
    assert mix.absolute
    assert mix.all[0].scale == 5.0


def test_the_extreme_zones_begin_at_the_reference_norm_in_every_unit() -> None:
    for row in (MixRow("mine", "0", scale=0.5), MixRow("mine", "0", scale=5.0, absolute=True)):
        zones = re.findall(r'sp-extreme" style="(\w+):0;width:([0-9.]+)%', row.strip(load))
        assert zones == [("left", "16.67"), ("right", "16.67")]  # from 1 to 1.5 on a slider of 3
    assert "sp-extreme" not in MixRow("mine", "0", scale=1.0, native=True).strip(load)  # 4 × 2 never gets there
    assert "text usually breaks" not in MixRow("mine", "0", scale=-1.0).strip(load)
    assert "text usually breaks" in MixRow("mine", "0", scale=-1.01).strip(load)
