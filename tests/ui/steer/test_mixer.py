"""The mixer turns rows of controls into a recipe in units of the model."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from playground.errors import InputError
from playground.library.origin import now
from playground.library.scale_window import UNKNOWN_SCALE, ScaleWindow
from playground.library.vector_set import Origin, RowNote, VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.mix import MixRow, recipe_of
from playground.ui.kit.pick import FIRST, RANGE, row_choices
from playground.ui.steer.mixer import MOST_ROWS, Mix, converted, is_absolute

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


def test_a_stale_event_of_a_row_changes_nothing() -> None:
    mix = Mix({0: MixRow("mine", "1", scale=0.1)})
    assert mix.update(0, {"scale": 0.3}, number=20).scale == 0.3
    assert mix.update(0, {"scale": 0.2}, number=10).scale == 0.3
    assert mix.rows[0].scale == 0.3
    assert mix.update(0, {"scale": 0.4, "mute": True}, number=30) == MixRow("mine", "1", scale=0.4, mute=True)
    assert mix.update(1, {"scale": 0.4}, number=40) is None
    assert mix.update(0, {"scale": 0.5}, number=50, drawn=mix.drawn + 1) is None
    assert mix.rows == {0: MixRow("mine", "1", scale=0.4, mute=True)}


@pytest.mark.parametrize("count", [0, 2.5, None, 4])
def test_an_average_of_a_number_of_rows_that_is_not_there_is_refused(count: object) -> None:
    with pytest.raises(InputError, match="Expected"):
        MixRow("mine", FIRST, count=count, scale=0.5).component(load)


def scaled_set() -> VectorSet:
    """Row 0 breaks at 8 and at 5, row 1 only makes noise in the negative sign; row 2 was not looked at."""
    return vector_set().with_windows(
        {
            (0, 1): ScaleWindow(onset=1.0, break_=8.0, found=3.0, tried=16.0),
            (0, -1): ScaleWindow(onset=0.5, break_=5.0, found=4.0, tried=16.0),
            (1, 1): ScaleWindow(onset=2.0, break_=None, found=6.0, tried=16.0),
            (1, -1): ScaleWindow(onset=None, break_=2.0, found=None, tried=4.0),
        }
    )


def scaled(name: str) -> VectorSet:
    return scaled_set()


def test_sliders_end_beyond_the_break_and_are_marked_at_onsets_found_scales_and_breaks() -> None:
    row = MixRow("mine", "0", scale=0.3)
    assert row.reach(scaled_set())[0] == pytest.approx(1.04)  # 1.3 × 0.8
    strip = row.strip(scaled)

    def places(name: str) -> list[float]:
        return [float(value) for value in re.findall(rf'sp-{name}" style="left:([0-9.]+)%', strip)]

    assert places("onset") == pytest.approx([50 + 50 * 0.1 / 1.04, 50 - 50 * 0.05 / 1.04], abs=0.01)
    assert places("found") == pytest.approx([50 + 50 * 0.3 / 1.04, 50 - 50 * 0.4 / 1.04], abs=0.01)
    zones = dict(re.findall(r'sp-extreme" style="(\w+):0;width:([0-9.]+)%', strip))
    assert float(zones["left"]) == pytest.approx(50 - 50 * 0.5 / 1.04, abs=0.01)
    assert float(zones["right"]) == pytest.approx(50 - 50 * 0.8 / 1.04, abs=0.01)
    assert "0.3 r · norm 3 · 1 × found" in strip
    # In norms the marks stand at the same places.
    assert places("found") == pytest.approx(
        [
            float(value)
            for value in re.findall(
                r'sp-found" style="left:([0-9.]+)%', MixRow("mine", "0", scale=3.0, absolute=True).strip(scaled)
            )
        ],
        abs=0.1,
    )


def test_a_row_without_a_window_says_why() -> None:
    assert "only makes noise in this sign" in MixRow("mine", "1", scale=-0.1).strip(scaled)
    assert "text breaks here" in MixRow("mine", "0", scale=-0.6).strip(scaled)
    assert "scales not found yet" in MixRow("mine", "2", scale=0.5).strip(scaled)
    # Looked at up to 16 and not broken: that far the slider goes.
    assert MixRow("mine", "1", scale=0.1).reach(scaled_set())[0] == pytest.approx(1.3 * 1.6)


def test_scales_to_begin_with_are_the_found_ones() -> None:
    assert defaults.usual_scale(scaled_set(), 0) == 0.3
    assert defaults.usual_scale(scaled_set(), 0, -1) == -0.4
    assert defaults.usual_scale(scaled_set(), 1) == 0.6
    assert defaults.usual_scale(scaled_set(), 1, -1) == -UNKNOWN_SCALE
    assert defaults.usual_scale(scaled_set(), 2) == UNKNOWN_SCALE


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


def test_small_print_says_relative_scale_and_norm() -> None:
    assert "0.5 r · norm 5 · scales not found yet" in MixRow("mine", "0", scale=-0.5).strip(load)


def test_absolute_scales_are_norms() -> None:
    recipe = recipe_of([MixRow("mine", "2", scale=-5.0, absolute=True)], load)
    assert [(part.row, part.amount) for part in recipe.components] == [(2, -5.0)]
    assert "0.5 r · norm 5" in MixRow("mine", "2", scale=-5.0, absolute=True).strip(load)
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
    mix.set_solo(second, True)
    assert [part.row for part in recipe_of(mix.all, load).components] == [1]
    assert mix.remark(first) == "silent: another row is solo"
    mix.set_solo(first, True)
    assert [part.row for part in recipe_of(mix.all, load).components] == [0]
    mix.set_solo(first, False)
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
        mix.set_unit(True, load)
    assert not mix.absolute
    assert mix.all[0].scale == 0.5
    mix.show([MixRow("mine", "0", scale=0.5)])
    mix.set_unit(True, load)
    assert mix.absolute
    assert mix.all[0].scale == 5.0


def test_the_extreme_zones_begin_at_the_reference_norm_in_every_unit() -> None:
    for row in (MixRow("mine", "0", scale=0.5), MixRow("mine", "0", scale=5.0, absolute=True)):
        zones = re.findall(r'sp-extreme" style="(\w+):0;width:([0-9.]+)%', row.strip(load))
        assert zones == [("left", "16.67"), ("right", "16.67")]  # from 1 to 1.5 on a slider of 3
    assert "sp-extreme" not in MixRow("mine", "0", scale=1.0, native=True).strip(load)  # 4 × 2 never gets there
    assert "text usually breaks" not in MixRow("mine", "0", scale=-1.0).strip(load)
    assert "text usually breaks" in MixRow("mine", "0", scale=-1.01).strip(load)
