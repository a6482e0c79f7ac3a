"""Undo and redo: every change of the mix is a step, drags are one, echoes of the page none."""

from __future__ import annotations

import pytest

from playground.errors import FileError
from playground.ui.kit.mix import MixRow
from playground.ui.steer.history import MOST, TOGETHER, History
from playground.ui.steer.mixer import Mix


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mix(clock: Clock) -> Mix:
    made = Mix(history=History(clock=clock))
    made.show([MixRow("a", "0", scale=0.1)])
    made.history = History(clock=clock)
    return made


def load(name: str) -> None:
    if name == "gone":
        raise FileError("Expected a set, got none; choose another.")


def scales(mix: Mix) -> list[float]:
    return [row.scale for row in mix.all]


def test_every_change_is_a_step_back_and_forth(mix):
    mix.add(MixRow("a", "1", scale=0.2))
    mix.set_solo(1, True)
    mix.remove(0)
    assert scales(mix) == [0.2]
    assert mix.step_back(False, load)
    assert scales(mix) == [0.1, 0.2]
    assert mix.step_back(False, load)
    assert not any(row.solo for row in mix.all)
    assert mix.step_back(False, load)
    assert scales(mix) == [0.1]
    assert not mix.step_back(False, load)
    for _ in range(3):
        assert mix.step_back(True, load)
    assert scales(mix) == [0.2]
    assert not mix.step_back(True, load)


def test_a_drag_is_one_step_and_a_pause_begins_another(mix, clock):
    for number, scale in enumerate((0.2, 0.3, 0.4)):
        clock.now += TOGETHER / 2
        mix.update(0, {"scale": scale}, number + 1)
    clock.now += 2 * TOGETHER
    mix.update(0, {"scale": 0.9}, 9)
    mix.step_back(False, load)
    assert scales(mix) == [0.4]
    mix.step_back(False, load)
    assert scales(mix) == [0.1]


def test_a_change_after_undo_drops_what_was_undone(mix):
    mix.add(MixRow("a", "1", scale=0.2))
    mix.step_back(False, load)
    mix.add(MixRow("a", "2", scale=0.3))
    assert not mix.step_back(True, load)
    assert scales(mix) == [0.1, 0.3]


def test_controls_that_echo_a_redraw_one_by_one_are_no_step_and_keep_redo(mix):
    mix.add(MixRow("a", "1", scale=0.2))
    mix.step_back(False, load)
    mix.update(0, {"scale": 0.1}, 1)
    mix.update(0, {"scale": 0.7}, 2)  # between two controls, with the value of before
    mix.update(0, {"scale": 0.1}, 3)
    assert mix.history.past == []
    assert mix.step_back(True, load)
    assert scales(mix) == [0.1, 0.2]


def test_rows_of_a_set_that_is_gone_are_left_out(mix):
    mix.show([MixRow("gone", "0"), MixRow("a", "0", scale=0.3)])
    mix.show([])
    assert mix.step_back(False, load)
    assert scales(mix) == [0.3]


def test_the_history_is_bounded(mix):
    for number in range(MOST + 20):
        mix.show([MixRow("a", "0", scale=number + 1.0)])
    assert len(mix.history.past) == MOST
