"""A closed page's runs wait for a reload, and end where none comes."""

from __future__ import annotations

import pytest

from playground.ui.kit.leaving import BEFORE, OPENING, WAIT, Leaving
from playground.ui.kit.runs import Runs
from playground.ui.kit.visitor import Visitors

BROWSER = "key"


class World:
    """Visitors and a clock that is moved by hand."""

    def __init__(self):
        self.now, self.due, self.cancelled = 100.0, [], []
        self.visitors = Visitors()
        self.runs = Runs(cancel=lambda visitor: self.cancelled.append(visitor.session))
        self.leaving = Leaving(
            self.visitors, self.runs, self.cancelled.append, lambda: self.now,
            lambda seconds, call: self.due.append((self.now + seconds, call)),
        )  # fmt: skip

    def wait(self, seconds):
        end = self.now + seconds
        while self.due and min(self.due, key=lambda one: one[0])[0] <= end:
            self.due.sort(key=lambda one: one[0])
            self.now, call = self.due.pop(0)
            call()
        self.now = end

    def close(self, session, browser=BROWSER):
        visitor = self.visitors.of(session, browser)
        self.leaving.left(visitor)
        self.visitors.leave(session)
        return visitor


@pytest.fixture
def world():
    return World()


def test_without_a_page_of_the_same_browser_the_jobs_end(world):
    world.leaving.asked(BROWSER)
    world.wait(BEFORE + 1)
    visitor = world.close("old")
    world.visitors.of("other", "another browser")
    assert visitor.leaving
    world.wait(WAIT)
    assert world.cancelled == ["old"]
    assert not visitor.leaving


@pytest.mark.parametrize("takes", [0.5, WAIT + 1, OPENING - 1])
def test_a_reload_keeps_them_however_slow_the_page_opens(world, takes):
    world.leaving.asked(BROWSER)  # the browser asks before it gives the old page up
    world.wait(0.1)
    world.close("old")
    world.wait(takes)
    world.visitors.of("new", BROWSER)
    world.wait(60)
    assert world.cancelled == []


def test_a_page_that_was_asked_for_and_never_opens_keeps_nothing(world):
    world.close("old")
    world.leaving.asked(BROWSER)
    world.wait(OPENING + 2 * WAIT)
    assert world.cancelled == ["old"]


def test_another_page_of_the_browser_keeps_them_until_it_is_closed_too(world):
    world.visitors.of("beside", BROWSER)
    world.close("old")
    world.wait(60)
    assert world.cancelled == []
    world.close("beside")
    world.wait(WAIT)
    assert "beside" in world.cancelled
