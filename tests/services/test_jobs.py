"""services/jobs.py: one worker, a fair queue, cancel, deadlines, and a stream of events for each job."""

from __future__ import annotations

import gc
import threading
import time
import traceback
import weakref
from dataclasses import dataclass

import pytest

from playground.errors import Cancelled, InputError
from playground.services.jobs import Jobs, Tick, Waiting

SOON = 5.0  # seconds within which anything here must have happened


@dataclass(frozen=True)
class Progress:
    share: float
    seconds_to_go: float | None = None


@pytest.fixture
def jobs():
    jobs = Jobs(queue_limit=8)
    yield jobs
    jobs.close()


def until(condition) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.002)


class Gate:
    """Work that says when it has begun and runs until it is let go or cancelled."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, context):
        self.begun.set()
        while not self.open.wait(0.002):
            if context.cancelled():
                return "what there is"
        return "all"


def held(jobs) -> Gate:
    gate = Gate()
    jobs.start("gate", gate, owner="gate")
    assert gate.begun.wait(SOON)
    return gate


def test_a_job_yields_what_the_work_emits_and_then_its_result(jobs):
    job = jobs.start("count", lambda context: [context.emit(i) for i in range(3)] and "done")
    assert list(job.events()) == [0, 1, 2]
    assert job.result(SOON) == "done"
    assert job.state == "done"


def test_all_jobs_run_in_one_thread_one_at_a_time(jobs):
    inside, most, threads = 0, 0, set()
    lock = threading.Lock()

    def work(context):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threads.add(threading.get_ident())
        time.sleep(0.005)
        with lock:
            inside -= 1

    started = [jobs.start(str(i), work, owner=str(i % 3)) for i in range(8)]
    for job in started:
        job.result(SOON)
    assert most == 1
    assert len(threads) == 1


def test_a_waiting_job_is_told_its_position_each_time_it_changes(jobs):
    gate = held(jobs)
    second, third = Gate(), Gate()
    jobs.start("second", second)
    job = jobs.start("third", third)
    events = job.events()
    assert next(events) == Waiting(2)
    gate.open.set()
    assert next(events) == Waiting(1)
    second.open.set()
    third.open.set()
    assert list(events) == []


def test_a_job_that_starts_at_once_is_not_told_to_wait(jobs):
    assert list(jobs.start("quick", lambda context: context.emit("only")).events()) == ["only"]


def test_two_visitors_take_turns(jobs):
    gate, order = held(jobs), []
    work = {name: (lambda context, name=name: order.append(name)) for name in ("a1", "a2", "a3", "b1", "b2")}
    running = [jobs.start(name, work[name], owner=name[0]) for name in work]
    gate.open.set()
    for job in running:
        job.result(SOON)
    assert order == ["a1", "b1", "a2", "b2", "a3"]


def test_newcomers_do_not_starve_a_visitor_who_was_served_before(jobs):
    order = []
    jobs.start("a0", lambda context: None, owner="a").result(SOON)
    gate = held(jobs)
    running = [jobs.start("a1", lambda context: order.append("a1"), owner="a")]
    running += [jobs.start(n, lambda context, n=n: order.append(n), owner=n) for n in ("new1", "new2", "new3", "new4")]
    gate.open.set()
    for job in running:
        job.result(SOON)
    assert order == ["a1", "new1", "new2", "new3", "new4"]


def test_a_newcomer_goes_before_the_second_job_of_the_visitor_being_served(jobs):
    gate, order = held(jobs), []
    running = [jobs.start("second", lambda context: order.append("second"), owner="gate")]
    running += [jobs.start("newcomer", lambda context: order.append("newcomer"), owner="new")]
    gate.open.set()
    for job in running:
        job.result(SOON)
    assert order == ["newcomer", "second"]


def test_jobs_cancelled_while_waiting_cost_their_owner_no_turn(jobs):
    """A slider starts a job at every move and cancels the one before."""
    gate, order = held(jobs), []
    for _ in range(20):
        jobs.start("moved", lambda context: None, owner="slider").cancel()
    last = jobs.start("last", lambda context: order.append("slider"), owner="slider")
    other = [jobs.start("other", lambda context: order.append("other"), owner="other") for _ in range(3)]
    gate.open.set()
    for job in [last, *other]:
        job.result(SOON)
    assert order[0] == "slider"


def test_cancelling_a_running_job_keeps_what_it_returns(jobs):
    gate = Gate()
    job = jobs.start("find", gate)
    assert gate.begun.wait(SOON)
    job.cancel()
    assert job.result(SOON) == "what there is"
    assert job.state == "done"


def test_cancelling_a_waiting_job_ends_it_at_once_and_never_runs_it(jobs):
    gate, ran = held(jobs), []
    job = jobs.start("waits", ran.append)
    job.cancel()
    assert list(job.events()) == []
    with pytest.raises(Cancelled):
        job.result(SOON)
    gate.open.set()
    jobs.start("after", lambda context: None).result(SOON)
    assert ran == []


def test_closing_the_events_cancels_and_does_not_block(jobs):
    gate = Gate()
    job = jobs.start("find", gate)
    events = job.events()
    assert gate.begun.wait(SOON)
    before = time.monotonic()
    events.close()
    assert time.monotonic() - before < 0.5
    assert job.result(SOON) == "what there is"


def test_closing_the_events_wakes_a_reader_in_another_thread(jobs):
    gate = Gate()
    events = jobs.start("find", gate).events()
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    assert gate.begun.wait(SOON)
    events.close()
    reader.join(SOON)
    assert not reader.is_alive()


def test_a_handler_closed_between_two_events_cancels_its_job(jobs):
    """What Gradio does when the tab is closed: the handler's generator is closed at its yield."""
    went_on = threading.Event()

    def work(context):
        for i in range(100_000):
            context.emit(i)
            if context.cancelled():
                went_on.set()
                return
            time.sleep(0.001)

    def handler():
        yield from (event for event in jobs.start("stream", work).events())

    generator = handler()
    assert next(generator) == 0
    generator.close()
    assert went_on.wait(SOON)


def test_events_dropped_before_the_first_one_was_read_cancel_too(jobs):
    gate = held(jobs)
    job = jobs.start("dropped", lambda context: "ran")
    events = job.events()
    del events
    gc.collect()
    gate.open.set()
    until(lambda: job.finished)
    assert job.state == "cancelled"


def test_the_events_of_one_job_can_be_read_from_a_different_thread_each_time(jobs):
    job = jobs.start("count", lambda context: [context.emit(i) for i in range(20)])
    events, seen = job.events(), []
    for _ in range(20):
        thread = threading.Thread(target=lambda: seen.append(next(events)))
        thread.start()
        thread.join(SOON)
    assert seen == list(range(20))
    assert list(events) == []


def test_an_exception_reaches_the_reader_with_its_traceback(jobs):
    def deep_inside(context):
        raise ValueError("broken")

    job = jobs.start("fails", lambda context: deep_inside(context))
    with pytest.raises(ValueError, match="broken") as caught:
        list(job.events())
    assert "deep_inside" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    with pytest.raises(ValueError, match="broken"):
        job.result(SOON)
    assert job.state == "failed"


def test_events_emitted_before_the_failure_are_read_first(jobs):
    def work(context):
        context.emit("first")
        raise InputError("then this")

    events = jobs.start("fails", work).events()
    assert next(events) == "first"
    with pytest.raises(InputError):
        next(events)


def test_a_failure_does_not_keep_the_local_variables_of_the_work_alive(jobs):
    class Memory:
        pass

    alive = []

    def work(context):
        memory = Memory()
        alive.append(weakref.ref(memory))
        raise RuntimeError("out of memory")

    job = jobs.start("fails", work)
    until(lambda: job.finished)
    gc.collect()
    assert alive[0]() is None


@pytest.mark.parametrize("error", [RuntimeError, Cancelled, SystemExit, KeyboardInterrupt, StopIteration])
def test_the_worker_survives_any_exception(jobs, error):
    def work(context):
        raise error("x")

    job = jobs.start("fails", work)
    until(lambda: job.finished)
    assert jobs.start("next", lambda context: "fine").result(SOON) == "fine"


def test_work_that_raises_cancelled_ends_its_stream_without_an_error(jobs):
    def work(context):
        raise Cancelled("nothing yet")

    job = jobs.start("stopped", work)
    assert list(job.events()) == []
    assert job.state == "cancelled"


def test_a_deadline_counts_from_the_start_of_the_work_and_asks_it_to_stop(jobs):
    gate = held(jobs)
    late = Gate()
    job = jobs.start("late", late, deadline=0.05)
    time.sleep(0.1)  # waiting does not count
    gate.open.set()
    assert job.result(SOON) == "what there is"
    assert job.timed_out
    assert job.seconds < 1


def test_status_tells_what_runs_how_far_and_how_many_wait(jobs):
    assert jobs.status().running is None
    told, end = threading.Event(), threading.Event()

    def work(context):
        context.emit(Progress(share=0.25, seconds_to_go=30.0))
        told.set()
        end.wait(SOON)

    job = jobs.start("find 3 → 9", work)
    jobs.start("next", lambda context: None)
    assert told.wait(SOON)
    status = jobs.status()
    assert (status.running, status.share, status.waiting) == ("find 3 → 9", 0.25, 1)
    assert 29.0 < status.seconds_to_go <= 30.0
    assert 0 <= status.seconds < SOON
    end.set()
    job.result(SOON)
    until(lambda: jobs.status().running is None)
    assert jobs.status().waiting == 0


def test_a_full_queue_refuses_with_a_sentence(jobs):
    gate = held(jobs)
    for i in range(8):
        jobs.start(str(i), lambda context: None)
    with pytest.raises(InputError, match="busy"):
        jobs.start("one more", lambda context: None)
    gate.open.set()


def test_ticks_come_while_the_work_is_silent(jobs):
    gate = Gate()
    events = jobs.start("load", gate).events(tick=0.02)
    assert isinstance(next(events), Tick)
    assert isinstance(next(events), Tick)
    gate.open.set()
    assert all(isinstance(event, Tick) for event in events)


def test_closing_the_queue_ends_the_worker_and_everything_in_it():
    jobs = Jobs()
    gate = held(jobs)
    waiting = jobs.start("waits", lambda context: "ran")
    jobs.close()
    assert waiting.state == "cancelled"
    assert not jobs._worker.is_alive()
    assert not gate.open.is_set()
    with pytest.raises(InputError):
        jobs.start("too late", lambda context: None)


def test_an_owner_has_a_share_of_the_queue_and_others_still_get_in(jobs):
    gate = held(jobs)
    jobs.owner_limit = 2
    for _ in range(2):
        jobs.start("mine", lambda context: None, owner="me")
    with pytest.raises(InputError, match="Expected at most 2 jobs of one page"):
        jobs.start("mine", lambda context: None, owner="me")
    jobs.start("theirs", lambda context: None, owner="you").cancel()
    jobs.cancel_all("me")
    gate.open.set()


def test_one_address_never_fills_the_queue(jobs):
    gate = held(jobs)
    for owner in range(6):
        jobs.start("many", lambda context: None, owner=str(owner), address="there")
    with pytest.raises(InputError, match="try again in a moment"):
        jobs.start("many", lambda context: None, owner="one more", address="there")
    jobs.start("from elsewhere", lambda context: None, owner="you", address="here")
    gate.open.set()


def test_every_job_has_a_deadline_and_none_a_later_one_than_the_longest():
    jobs = Jobs(longest=0.05)
    begun = time.monotonic()
    for deadline in (None, 60.0):
        job = jobs.start("endless", Gate(), deadline=deadline)
        assert job.result(SOON) == "what there is"
        assert job.timed_out
    assert time.monotonic() - begun < SOON
    jobs.close()


def test_who_waits_is_told_how_long_once_that_is_known(jobs):
    def slow(context):
        time.sleep(0.2)

    jobs.start("scanning a set", slow).result(SOON)
    until(lambda: jobs.running is None)
    gate = held(jobs)
    jobs.start("scanning another", slow, owner="a")
    last = jobs.start("generating", lambda context: None, owner="b")
    assert jobs.status("b").mine == Waiting(2, None)  # nobody knows how long the gate takes
    gate.open.set()
    until(lambda: jobs.running is not None and jobs.running.name == "scanning another")
    place = jobs.status("b").mine
    assert place is None or (place.position == 1 and 0.0 <= place.seconds < 0.4)
    assert jobs.status("a").mine is None
    last.result(SOON)
