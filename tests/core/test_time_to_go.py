"""Time to go, with a clock that the test moves."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from playground.core.time_to_go import RISE, Left, TimeToGo


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def told(steps: Iterable[float], warm_up: float = 0.0) -> list[tuple[Left, float]]:
    """What is told after each step of a run of so many seconds each, and what was left in truth."""
    seconds = list(steps)
    clock = Clock()
    pace = TimeToGo(clock)
    clock.now += warm_up
    found = []
    for number, step in enumerate(seconds, start=1):
        clock.now += step
        found.append((pace.at(number / len(seconds)), sum(seconds[number:])))
    return found


def risen(found: list[tuple[Left, float]]) -> float:
    """The largest time to go over a smaller one before it, of those without the word that it is longer."""
    least, most = math.inf, 0.0
    for left, _ in found:
        if left.seconds is not None:
            seconds = max(left.seconds, 1.0)
            most = most if left.longer else max(most, seconds / least)
            least = min(least, seconds)
    return most


def off(found: list[tuple[Left, float]]) -> float:
    """The largest factor between what was told and the truth, in the last third of a run, until a tenth is left."""
    later = [(left.seconds, truth) for left, truth in found[len(found) * 2 // 3 :] if truth > 0.1 * found[0][1]]
    return max(max(seconds / truth, truth / seconds) for seconds, truth in later)


def test_a_steady_run_is_told_exactly_once_there_are_five_steps():
    found = told([2.0] * 20)
    assert [left.seconds for left, _ in found[:4]] == [None] * 4
    assert all(left.seconds == pytest.approx(truth) and not left.longer for left, truth in found[4:])


def test_the_warm_up_is_left_out():
    found = told([40.0, *[1.0] * 30], warm_up=60.0)
    assert all(left.seconds == pytest.approx(truth) for left, truth in found[4:])


def test_a_run_of_few_steps_is_told_once_a_third_is_done():
    found = told([5.0] * 5)
    assert [left.seconds for left, _ in found] == [None, None, pytest.approx(10.0), pytest.approx(5.0), 0.0]


def test_nothing_is_told_before_there_is_a_pace_and_nothing_is_left_at_the_end():
    pace = TimeToGo(Clock())
    assert [pace.at(0.0), pace.at(0.0), pace.at(0.1)] == [Left(), Left(), Left()]
    assert pace.at(1.0) == Left(0.0)


@pytest.mark.parametrize("last", [2.0, 4.0])
def test_a_run_that_slows_down_is_followed_and_rises_by_half_at_most(last):
    found = told([1.0 + (last - 1.0) * step / 60 for step in range(60)])
    assert risen(found) <= RISE
    assert off(found) < 1.6
    assert not any(left.longer for left, _ in found)


def test_a_run_that_speeds_up_is_followed_and_never_rises():
    found = told([4.0 - 3.0 * step / 60 for step in range(60)])
    assert risen(found) <= 1.0
    assert off(found) < 2


def test_a_run_that_stalls_says_that_it_is_longer_than_it_looked():
    found = told([*[1.0] * 20, 60.0, *[1.0] * 20])
    assert risen(found) <= RISE
    after = [left for left, _ in found[20:]]
    assert any(left.longer for left in after)
    assert not after[-2].longer  # over again, once as little is left as was told before


def test_a_machine_that_becomes_five_times_slower_says_so_and_is_believed():
    found = told([*[1.0] * 30, *[5.0] * 30])
    assert risen(found) <= RISE
    assert any(left.longer for left, _ in found)
    assert off(found) < 2


def test_a_hiccup_is_not_told():
    found = told([*[0.1] * 20, 1.0, *[0.1] * 60])
    assert risen(found) <= RISE
    assert not any(left.longer for left, _ in found)


def test_a_stall_is_told_before_it_ends():
    clock = Clock()
    pace = TimeToGo(clock)
    for number in range(1, 11):
        clock.now += 1.0
        pace.at(number / 20)
    for _ in range(40):  # asked again and again, with nothing new
        clock.now += 1.0
        left = pace.at(0.5)
    assert left.longer
    assert (left.seconds or 0.0) > 20


def test_noise_of_a_factor_of_three_does_not_show():
    steps = [(1.0, 3.0, 0.5, 1.5)[step % 4] for step in range(80)]
    found = told(steps)
    assert risen(found) <= 1.3
    assert off(found) < 1.2
