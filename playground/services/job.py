"""Job: one piece of work on the model, with its events, cancellation, and result or error.

The work runs in the worker thread of playground/services/jobs.py. Its events may be read in any thread, and in another
one for every event, as Gradio's generators do.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypeVar

from playground.errors import Cancelled

T = TypeVar("T")
State = Literal["waiting", "running", "done", "failed", "cancelled"]


WAITING_EVERY = 2.0
"""Seconds between two places that a reader with a tick is told: with fifty who wait, every end of a job would be fifty
messages.
"""
WAITING_TICK = 1.0
"""Shortest tick of a reader while its job waits."""


@dataclass(frozen=True)
class Waiting:
    """The job has not begun: `position` 1 means that it is the next one. `seconds` is an estimate of the wait; None
    while nothing is known of the jobs before it.
    """

    position: int
    seconds: float | None = None


@dataclass(frozen=True)
class Tick:
    """Nothing new from the work; it has been running (or waiting) for `seconds`."""

    seconds: float


class JobContext:
    """The argument of the work: it emits events with `emit`, and stops soon after `cancelled` is true."""

    def __init__(self, job: Job[Any]):
        self._job = job

    def emit(self, event: object) -> None:
        self._job._emit(event)

    def cancelled(self) -> bool:
        """True after a cancel, after the event stream was dropped, or past the deadline."""
        return self._job._should_stop()


class _Queue(Protocol):
    """The part of the queue that a job uses. All conditions share one lock: a job's own is for its readers, so that an
    event of the running job does not wake the readers of all that wait.
    """

    _lock: threading.RLock

    def _remove(self, job: Job[Any]) -> None: ...

    def _tell_waiting(self) -> None: ...

    def _place(self, job: Job[Any]) -> Waiting | None: ...


class Job(Generic[T]):
    """One piece of work in the queue. Made by `Jobs.start` only."""

    def __init__(
        self,
        jobs: _Queue,
        name: str,
        work: Callable[[JobContext], T],
        owner: str | None,
        deadline: float | None,
        turn: int,
        address: str | None = None,
    ):
        self.name = name
        self.owner = owner
        self.address = address
        self.deadline = deadline
        self.state: State = "waiting"
        self.created = time.monotonic()
        self.started: float | None = None  # time.monotonic() at which the work began
        self.ended: float | None = None
        self._jobs = jobs
        self._changed = threading.Condition(jobs._lock)
        self._work: Callable[[JobContext], T] | None = work
        self._turn = turn
        self._events: deque[object] = deque()
        self._stop = False
        self._share: float | None = None
        self._seconds_to_go: float | None = None
        self._longer = False
        self._estimated_at = 0.0  # time.monotonic() of that estimate
        self._result: T  # set when the work returns
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds(self) -> float:
        """How long the work has been running, or ran."""
        if self.started is None:
            return 0.0
        return (self.ended if self.ended is not None else time.monotonic()) - self.started

    @property
    def timed_out(self) -> bool:
        return self.deadline is not None and self.seconds > self.deadline

    def events(self, tick: float | None = None) -> Events:
        """Event stream for one reader: `Waiting` while the job is queued, then the events of the work; it ends with the
        work, and raises what the work raised. Closing or dropping it cancels the job and never blocks.

        With `tick`, a `Tick` comes whenever that many seconds have passed without an event, so that a reader that can
        only leave at an event (a Gradio generator) gets the chance.
        """
        return Events(self, tick)

    def cancel(self) -> None:
        """Ask the work to stop; a job that still waits is over at once."""
        with self._changed:
            self._stop = True
            if self.state == "waiting":
                self._jobs._remove(self)
                self._finish("cancelled")
                self._jobs._tell_waiting()
            self._changed.notify_all()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the end and return what the work returned, or raise what it raised.

        Raises `Cancelled` when the job was stopped before it had anything, TimeoutError after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.finished, timeout):
                raise TimeoutError(f"“{self.name}” did not end within {timeout:g} s")
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        if self.state == "cancelled":
            raise Cancelled(f"“{self.name}” was stopped before it had a result")
        return self._result

    def _should_stop(self) -> bool:
        return self._stop or self.timed_out

    def _emit(self, event: object) -> None:
        with self._changed:
            share = getattr(event, "share", None)
            if share is not None:
                self._share = float(share)
            self._seconds_to_go = getattr(event, "seconds_to_go", None)
            self._longer = bool(getattr(event, "longer", False))
            self._estimated_at = time.monotonic()
            self._events.append(event)
            self._changed.notify_all()

    def _finish(self, state: State) -> None:
        self.state = state
        self.ended = time.monotonic()
        self._work = None  # whatever the closure holds (a model, say) must not outlive the run

    def _run(self) -> None:
        work = self._work
        assert work is not None
        state: State = "done"
        try:
            self._result = work(JobContext(self))
        except Cancelled:
            state = "cancelled"
        except BaseException as error:  # the worker outlives everything, SystemExit from a library too
            # The reader gets the traceback, but not the local variables: they can hold a GPU's memory.
            traceback.clear_frames(error.__traceback__)
            self._error, self._traceback, state = error, error.__traceback__, "failed"
        del work
        with self._changed:
            self._finish(state)
            self._changed.notify_all()


class Events(Iterator[object]):
    """The event stream of a job (see `Job.events`). `close` may be called from any thread, also while another waits."""

    def __init__(self, job: Job[Any], tick: float | None):
        self._job = job
        self._tick = tick
        self._position: int | None = None
        self._told_at = -WAITING_EVERY
        self._closed = False

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> object:
        job, changed = self._job, self._job._changed
        waits = job.state == "waiting"
        tick = self._tick if self._tick is None or not waits else max(self._tick, WAITING_TICK)
        until = None if tick is None else time.monotonic() + tick
        with changed:
            while not self._closed:
                if job._events:
                    return job._events.popleft()
                if job.finished:
                    self._closed = True
                    if job._error is not None:
                        raise job._error.with_traceback(job._traceback)
                    break
                if waits and job.state != "waiting" and self._tick is not None:
                    waits, until = False, time.monotonic() + self._tick
                now = time.monotonic()
                place = job._jobs._place(job)
                soon = self._tick is not None and now - self._told_at < WAITING_EVERY
                if place is not None and place.position != self._position and not soon:
                    self._position, self._told_at = place.position, now
                    return place
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return Tick(time.monotonic() - (job.started if job.started is not None else job.created))
                changed.wait(left)
        raise StopIteration

    def close(self) -> None:
        self._closed = True
        self._job.cancel()

    def __del__(self) -> None:
        # No lock here: this can run inside the garbage collector. The worker skips a waiting job that must stop.
        self._job._stop = True
