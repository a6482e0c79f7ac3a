"""analyses/choices/standings.py: what a curve comes to, on curves whose numbers can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from playground.analyses.choices.result import MeasuredRow
from playground.analyses.choices.standings import best_random, directions_of, draws, standings
from playground.errors import InputError

SCALES = (-2.0, -1.0, 0.0, 1.0, 2.0)


def rows(name: str, means, kind="vector", layer=3, scales=SCALES):
    source = "set" if kind == "vector" else None
    return [
        MeasuredRow(kind, name, source, layer, scale, scale / 4, (), (), mean, mean, mean, 0, 0)
        for scale, mean in zip(scales, means, strict=True)
    ]


def measured(*curves, baseline=1.0, scales=SCALES):
    return SimpleNamespace(
        rows=tuple(row for curve in curves for row in curve),
        baseline=SimpleNamespace(mean=baseline),
        request=SimpleNamespace(scales=scales, unit="a"),
    )


def test_a_straight_line_through_the_baseline_is_monotone_and_symmetric():
    (found,) = standings(measured(rows("0", (-3, -1, 1, 3, 5))))
    assert (found.name, found.swing, found.swing_at) == ("set#0", 8, 2)
    assert (found.best, found.best_scale, found.best_relative, found.best_place) == (5, 2, 0.5, 4)
    assert found.monotonicity == pytest.approx(1)
    assert found.symmetry == pytest.approx(1)


def test_a_curve_that_both_signs_raise_alike_has_neither_swing_nor_symmetry():
    (found,) = standings(measured(rows("0", (5, 3, 1, 3, 5))))
    assert found.swing == 0
    assert found.symmetry == 0
    assert abs(found.monotonicity) < 1e-9


def test_the_swing_is_the_largest_by_absolute_value_and_keeps_its_sign():
    (found,) = standings(measured(rows("0", (2, 9, 1, 1, 3))))
    assert (found.swing, found.swing_at) == (-8, 1)
    assert (found.best, found.best_scale) == (9, -1)
    # Shifts from the baseline of 1: +2 and +1 at 2, 0 and +8 at 1.
    assert found.symmetry == pytest.approx(1 - (3 + 8) / (3 + 8))


def test_a_half_opposite_curve_lies_between():
    (found,) = standings(measured(rows("0", (-1, 1, 1, 1, 5))))
    assert found.symmetry == pytest.approx(1 - 2 / 6)


def test_a_flat_curve_has_no_symmetry_and_no_order():
    (found,) = standings(measured(rows("0", (1,) * 5)))
    assert (found.symmetry, found.monotonicity, found.swing) == (None, 0, 0)


def test_random_directions_of_one_name_at_other_layers_and_norms_stand_apart():
    curves = [rows("0", (0, 0, 1, 2, 2)), rows("random-0", (1, 1, 1, 1, 2), "random")]
    curves += [rows("random-0", (1, 1, 1, 1, top), "random", layer=5) for top in (4, 0)]
    found = standings(measured(*curves))
    assert [(each.name, each.layer, each.swing) for each in found] == [
        ("set#0", 3, 2), ("random-0", 3, 1), ("random-0", 5, 3), ("random-0", 5, -1),
    ]
    assert best_random(found).swing == 3
    assert best_random(found[:1]) is None


def test_a_random_direction_at_several_norms_is_one_draw():
    curves = [rows("0", (0, 0, 1, 2, 2))]
    curves += [rows(f"random-{n}", (n,) * 5, "random", layer) for layer in (3, 3, 5) for n in range(2)]
    found = standings(measured(*curves))
    assert len([each for each in found if each.kind == "random"]) == 6
    assert draws(found) == 4


def test_one_scale_at_two_norms_is_two_directions_though_the_norms_rise():
    near, far = rows("random-0", (1,), "random", scales=(2.0,)), rows("random-0", (3,), "random", scales=(2.0,))
    far[0] = replace(far[0], scale=5.0)
    assert directions_of(measured(near, far, scales=(2.0,))) == [near, far]


def test_directions_that_are_not_finished_are_left_out():
    unfinished = rows("1", (0, 0), scales=SCALES[:2])
    assert [each.name for each in standings(measured(rows("0", (0, 0, 1, 2, 2)), unfinished))] == ["set#0"]


def test_scales_of_one_sign_are_refused():
    with pytest.raises(InputError, match="both sides of 0"):
        standings(measured(rows("0", (1, 2), scales=(1.0, 2.0)), scales=(1.0, 2.0)))
