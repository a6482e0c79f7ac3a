"""analyses/choices/transfer.py: pushes, polarity and flags, on curves whose numbers can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from playground.analyses.choices.result import MeasuredRow
from playground.analyses.choices.transfer import ORDER, PULL, RANDOM, SPREAD, transfer_matrix
from playground.errors import InputError

SCALES = (-2.0, -1.0, 1.0, 2.0)
BEFORE = (-3.0, -2.0, -1.0, -2.0, -3.0, -1.0, -2.0, -2.0)  # without a push: mean -2
BOTH = (-3.0, -2.0, -1.0, -1.0, 1.0, 1.0, 2.0, 3.0)  # mean 0, four items on either side


def row(name, scale, differences, kind="vector"):
    source = "set" if kind == "vector" else None
    mean = sum(differences) / len(differences)
    share = sum(each > 0 for each in differences) / len(differences)
    return MeasuredRow(kind, name, source, 3, scale, scale / 4, tuple(differences), (), mean, mean, mean, share, 0)


def shifted(before, by):
    return [each + by for each in before]


def measured(name, *curves, before=BEFORE, random=0.1, fingerprint="f"):
    """A measurement: each curve is four lists of item differences; one random direction moves all items by `random`."""
    drawn = [row("random-0", scale, shifted(before, random), "random") for scale in SCALES]
    rows = [
        row(str(number), scale, values)
        for number, curve in enumerate(curves)
        for scale, values in zip(SCALES, curve, strict=True)
    ]
    return SimpleNamespace(
        rows=(*rows, *drawn), baseline=row("baseline", 0, before, "baseline"), fingerprint=fingerprint,
        items=[SimpleNamespace(letter="")] * len(before),
        request=SimpleNamespace(
            scales=SCALES, unit="a", seed=0, vectors=("0",), choices=SimpleNamespace(name=name)
        ),
    )  # fmt: skip


def straight(slope, before=BEFORE):
    return [shifted(before, slope * scale) for scale in SCALES]


def test_the_push_is_the_scale_at_which_the_wanted_answer_gains_most_at_home_and_is_kept_elsewhere():
    matrix = transfer_matrix([measured("a", straight(0.5)), measured("b", straight(2.0))], (1, 1))
    (found,) = matrix.rows
    assert (found.vector, found.place, found.relative, found.home) == ("set#0", 2.0, 0.5, 1)
    assert [cell.change for cell in found.cells] == pytest.approx([1.0, 4.0])
    assert [cell.low for cell in found.cells] == pytest.approx([1.0, 4.0])  # all items move alike
    assert [cell.share for cell in found.cells] == [0.0, 1.0]
    assert found.cells[0].order == pytest.approx(1)
    assert found.transfers == (0,)
    assert matrix.elsewhere == (1, 0, 1)


def test_what_is_gained_less_than_at_random_is_no_reason_for_a_home():
    """+2 beside a random 1.9 is less than +1 beside 0.1."""
    found = transfer_matrix([measured("a", straight(0.5)), measured("b", straight(1.0), random=1.9)], (1, 1)).rows[0]
    assert found.home == 0


def test_with_the_other_polarity_the_push_is_turned_and_everything_reads_the_other_way():
    first, second = measured("a", straight(0.5)), measured("b", straight(2.0))
    found = transfer_matrix([first, second], (1, -1)).rows[0]
    assert (found.place, found.home) == (-2.0, 1)
    assert [cell.change for cell in found.cells] == pytest.approx([-1.0, 4.0])
    assert found.cells[1].low == pytest.approx(4.0)
    assert found.cells[1].share == 1.0  # −6 nats: the other answer wins everywhere
    assert transfer_matrix([first, second], (1, -1)).columns[1].mean == 2.0
    assert not found.cells[0].holds


def test_a_home_for_all_is_where_all_pushes_are_chosen():
    curves = measured("a", straight(-0.5)), measured("b", straight(2.0))
    found = transfer_matrix(curves, (1, 1), home="a").rows[0]
    assert (found.place, found.home) == (-2.0, 0)
    with pytest.raises(InputError, match="a home out of a, b"):
        transfer_matrix(curves, (1, 1), home="c")


def flags_of(curve, before=BEFORE, random=0.1):
    """The flags at scale 2 on a second set; the first, the home, has its best push there."""
    home = measured("home", straight(5.0))
    return transfer_matrix([home, measured("b", curve, before=before, random=random)], (1, 1), home="home").rows[
        0
    ].cells[1].flags


def test_a_straight_curve_beyond_random_has_no_flags():
    assert flags_of(straight(0.5)) == ()
    assert flags_of(straight(0.5, BOTH), BOTH) == ()


def test_both_signs_that_bring_the_mean_nearer_to_0_are_a_pull():
    """−2 becomes −1 whichever the sign."""
    assert flags_of([shifted(BEFORE, by) for by in (1.0, 0.5, 0.5, 1.0)]) == (PULL, ORDER)


def test_a_push_that_goes_past_0_is_no_pull():
    """−2 becomes +3 with the push and −1 against it."""
    assert PULL not in flags_of([shifted(BEFORE, by) for by in (1.0, 0.5, 2.0, 5.0)])


def test_items_that_come_together_from_both_sides_are_a_pull_and_a_spread_that_collapses():
    halved = [[0.2 * each + 0.5 for each in BOTH]]
    assert flags_of([shifted(BOTH, by) for by in (-1.0, -0.5, 0.2)] + halved, BOTH) == (PULL, SPREAD)


def test_of_few_items_no_spread_is_told():
    few = BOTH[:2]
    assert SPREAD not in flags_of([*straight(0.5, few)[:3], [0.1 * each + 3 for each in few]], few)


def test_means_without_an_order_are_flagged_and_so_is_what_random_does_too():
    assert flags_of([shifted(BEFORE, by) for by in (3.0, 0.5, -2.0, 2.0)]) == (ORDER,)
    assert flags_of(straight(0.5), random=1.5) == (RANDOM,)


def test_numbers_that_are_not_finite_stay_none_at_all():
    bad = [*straight(0.5)[:3], [float("nan")] * 8]
    cell = transfer_matrix([measured("home", straight(5.0)), measured("b", bad)], (1, 1), home="home").rows[0].cells[1]
    assert cell.change != cell.change
    assert not cell.holds


def test_scales_where_the_spread_collapses_are_the_last_to_be_chosen():
    """At 2 the mean is highest, and all items read alike."""
    curve = [*straight(0.5, BOTH)[:3], [3.0] * 8]
    found = transfer_matrix([measured("a", curve, before=BOTH), measured("b", straight(0.1))], (1, 1)).rows[0]
    assert (found.place, found.home) == (1.0, 0)


def test_what_cannot_be_put_side_by_side_is_refused():
    one = measured("a", straight(1.0))
    for others, said in (
        ([], "at least two choice sets"),
        ([measured("b", straight(1.0), fingerprint="g")], "the same model"),
        ([one], "one of them twice"),
    ):
        with pytest.raises(InputError, match=said):
            transfer_matrix([one, *others], [1] * (1 + len(others)))
