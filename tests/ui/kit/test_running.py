"""From jobs to what a page shows: batches of events, and errors as one sentence."""

from __future__ import annotations

import threading
import time

import pytest

from playground.errors import Cancelled, InputError
from playground.services.jobs import Jobs, Status
from playground.ui.kit.running import APOLOGY, STOPPED, follow, seconds, sentence, status_line


@pytest.fixture
def jobs():
    jobs = Jobs()
    yield jobs
    jobs.close()


def test_every_event_comes_once_and_in_order(jobs: Jobs) -> None:
    def work(context):
        for number in range(50):
            context.emit(number)
        return "done"

    job = jobs.start("count", work)
    seen = [event for batch in follow(job) for event in batch if isinstance(event, int)]
    assert seen == list(range(50))
    assert job.result() == "done"


def test_leaving_in_the_middle_cancels_the_job(jobs: Jobs) -> None:
    over = threading.Event()

    def work(context):
        while not context.cancelled():
            context.emit("on")
            time.sleep(0.01)
        over.set()

    batches = follow(jobs.start("long", work))
    next(batches)
    batches.close()
    assert over.wait(5)


def test_errors_of_the_work_reach_the_reader(jobs: Jobs) -> None:
    def work(context):
        raise InputError("expected a kite, got none; build one")

    with pytest.raises(InputError, match="kite"):
        list(follow(jobs.start("fail", work)))


def test_a_mistake_of_ours_is_an_apology_and_its_traceback_stays_in_the_log(capsys: pytest.CaptureFixture) -> None:
    assert sentence(InputError("expected a kite; build one")) == "Expected a kite; build one"
    assert sentence(Cancelled()) == STOPPED
    assert sentence(ZeroDivisionError("secret detail")) == APOLOGY
    assert "secret detail" in capsys.readouterr().err


def test_status_says_what_runs_how_far_and_for_how_long() -> None:
    assert "ready" in status_line(Status(None, None, 0.0, None, 0))
    line = status_line(Status("computing <vectors>", 0.25, 3.0, 9.0, 2))
    for part in ("computing &lt;vectors&gt;", "3.0 s", "about 9 s to go", "2 waiting", "width:25%"):
        assert part in line


@pytest.mark.parametrize(("value", "said"), [(0.24, "0.2 s"), (42.4, "42 s"), (600, "10 min")])
def test_durations_have_sensible_digits(value: float, said: str) -> None:
    assert seconds(value) == said
