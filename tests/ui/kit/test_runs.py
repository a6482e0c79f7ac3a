"""Runs that go on while their page is closed: kept where that was asked for, ended where it was not."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import gradio as gr
import pytest

from playground.ui.kit.runs import KEPT_RUNS, KEPT_SECONDS, Run, Runs, merged
from playground.ui.kit.visitor import Slice, Visitor, Visitors

SOON = 5.0


def until(holds) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


class Work:
    """A handler that shows numbers until it is let go, and says whether it was closed."""

    def __init__(self):
        self.over, self.closed = threading.Event(), threading.Event()

    def __call__(self, request, *values):
        try:
            number = 0
            while not self.over.wait(0.005):
                number += 1
                yield {"number": number}
            yield {"end": True}
        finally:
            self.closed.set()


def started(runs, visitor, work):
    """The reader of a run that has shown something."""
    reader = runs.keepable("scan", "Scan", lambda request: visitor)(work)(SimpleNamespace())
    assert next(reader)["number"] >= 1
    return reader


@pytest.fixture
def runs():
    return Runs(cancel=lambda visitor: None)


def test_a_run_ends_with_its_page_unless_it_is_to_be_kept(runs):
    work = Work()
    started(runs, Visitor("a", "browser"), work).close()
    assert work.closed.wait(SOON)
    assert runs.kept(Visitor("b", "browser")) == []


def test_a_kept_run_goes_on_and_another_page_of_the_browser_shows_all_of_it(runs):
    work, visitor = Work(), Visitor("a", "browser", keep=True)
    started(runs, visitor, work).close()
    (run,) = runs.kept(Visitor("b", "browser"))
    until(lambda: run.updates["number"] > 10)
    assert run.running
    taken = runs.take(Visitor("b", "browser"), run.id)
    assert taken is run
    assert runs.kept(Visitor("b", "browser")) == []
    work.over.set()
    seen = {}
    for updates in runs.reading(run):
        seen |= updates
    assert seen["end"] is True
    assert not run.running


@pytest.mark.parametrize("other", [Visitor("b", "another browser"), Visitor("b", None)])
def test_no_other_browser_sees_or_takes_a_run(runs, other):
    work = Work()
    started(runs, Visitor("a", "browser", keep=True), work).close()
    (run,) = runs.kept(Visitor("b", "browser"))
    assert runs.kept(other) == []
    assert runs.take(other, run.id) is None
    work.over.set()


def test_a_run_lives_an_hour_at_most():
    now = [0.0]
    runs, work = Runs(cancel=lambda visitor: None, clock=lambda: now[0]), Work()
    started(runs, Visitor("a", "browser", keep=True), work).close()
    (run,) = runs.kept(Visitor("b", "browser"))
    now[0] = run.begun + KEPT_SECONDS + 1
    assert runs.kept(Visitor("b", "browser")) == []
    work.over.set()


def test_a_browser_has_few_kept_runs_and_the_oldest_ends(runs):
    works = [Work() for _ in range(KEPT_RUNS + 1)]
    for work in works:
        started(runs, Visitor("a", "browser", keep=True), work).close()
    assert works[0].closed.wait(SOON)
    assert len(runs.kept(Visitor("b", "browser"))) == KEPT_RUNS
    for work in works:
        work.over.set()


def test_updates_of_one_component_are_merged_as_if_they_came_one_after_the_other():
    assert merged("text", gr.update(visible=True)) == {"value": "text", **gr.update(visible=True)}
    both = merged(gr.update(value=1, visible=False), gr.update(visible=True))
    assert (both["value"], both["visible"]) == (1, True)
    assert merged(gr.update(value=1), "text") == "text"
    assert merged(None, gr.update(visible=True)) == gr.update(visible=True)


def test_what_a_handler_raises_does_not_leave_a_reader_waiting(runs):
    def broken(request):
        yield {"number": 1}
        raise ValueError("a bug")

    run = Run("scan", "Scan", Visitor("a"), broken(None))
    with pytest.raises(ValueError, match="a bug"):
        list(run.follow(0.01))
    assert not run.running


def test_a_page_goes_on_with_what_an_earlier_session_computed():
    class ScanState(Slice):
        __module__ = "playground.ui.scan.state"
        told = 0

        def adopted(self):
            self.told += 1

    class SteerState(Slice):
        __module__ = "playground.ui.steer.state"

    visitors = Visitors()
    earlier, now = visitors.of("before", "browser"), visitors.of("now", "browser")
    computed, typed = earlier.slice(ScanState), now.slice(SteerState)
    visitors.leave("before")
    visitors.adopt(now, earlier, "scan")
    assert visitors.of("now", "browser") is earlier
    assert ScanState.of(earlier) is computed
    assert computed.told == 1, "the page shows nothing of it yet"
    assert SteerState.of(earlier) is typed


def test_a_run_whose_page_is_loaded_anew_is_listed_and_ends_with_the_last_page(runs):
    work, visitor = Work(), Visitor("a", "browser")
    reader = started(runs, visitor, work)
    visitor.leaving = True
    reader.close()
    again = Visitor("b", "browser")
    assert [run.running for run in runs.kept(again)] == [True]
    runs.drop_unkept(again)
    assert work.closed.wait(SOON)
    assert runs.kept(again) == []
