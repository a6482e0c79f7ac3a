"""Fair queue of jobs with one worker thread, for all operations on the model.

The model is shared by all visitors, and its hooks, its gradient mode and its memory allow one user at a time: so every
operation on it runs in the one worker thread of a `Jobs`.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from playground.errors import InputError
from playground.services.job import Events, Job, JobContext, Tick, Waiting

__all__ = ["Events", "Job", "JobContext", "Jobs", "Status", "Tick", "Waiting"]

T = TypeVar("T")

QUEUE_LIMIT = 64  # jobs that may wait: beyond it a newcomer would wait for minutes, and is refused at once
OWNER_LIMIT = 8  # of one owner: a page that follows a slider has two or three
ADDRESS_SHARE = 0.75  # of the queue, for one address: whoever pretends to be many leaves room for others
LONGEST = 3600.0  # seconds after which a job must end, where it has no deadline of its own
PUBLIC_LONGEST = 300.0  # the same on a public page: others wait for the model
CLOSE_SECONDS = 2.0  # how long leaving the process waits for the worker to notice the cancel


@dataclass(frozen=True)
class Status:
    """State of the worker. `share` is in 0..1; it and `seconds_to_go` are None while they are unknown; `longer`: it is
    more than before. `mine` is the place in the queue of the first waiting job of whoever asks; `own` says whether
    anything of theirs runs or waits.
    """

    running: str | None
    share: float | None
    seconds: float
    seconds_to_go: float | None
    waiting: int
    mine: Waiting | None = None
    own: bool = False
    longer: bool = False


class Jobs:
    """The queue and its one worker thread.

    Fair among owners: each owner's jobs run in the order they came, and owners take turns, so that somebody with ten
    jobs does not keep others waiting for all ten. A job's turn is one after that of the running job, and at least two
    after that of its owner's previous job; the lowest turn runs first, the earlier arrival when they are equal. So a
    newcomer goes before a second job of those who are being served, and nobody is passed by newcomers for ever.
    A job without an owner is an owner of its own.

    At most `queue_limit` jobs wait, `owner_limit` of one owner, and a share of ADDRESS_SHARE of one address (that
    owners come from, where it is known). Every job has a deadline, `longest` seconds if none of its own.
    """

    def __init__(
        self, queue_limit: int = QUEUE_LIMIT, owner_limit: int = OWNER_LIMIT, longest: float = LONGEST
    ):
        self.queue_limit = queue_limit
        self.owner_limit = owner_limit
        self.longest = longest
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # for the worker
        self._waiting: list[Job[Any]] = []
        self._running: Job[Any] | None = None
        self._turn = 0
        self._last_turn: dict[str, int] = {}  # of an owner's latest job that ran
        self._worker: threading.Thread | None = None
        self._closing = False
        self._took: dict[str, float] = {}  # seconds that jobs of a kind took lately

    def start(
        self,
        name: str,
        work: Callable[[JobContext], T],
        owner: str | None = None,
        deadline: float | None = None,
        address: str | None = None,
    ) -> Job[T]:
        """Queue `work`. `name` is shown to people; `deadline` is in seconds from the moment the work begins.

        Raises InputError when as many jobs wait already as may, of all, of this owner, or of this address.
        """
        with self._changed:
            if self._closing:
                raise InputError("Expected a running program, got one that is being closed; start it again.")
            waiting = self._schedule()
            self._check_room(waiting, owner, address)
            longest = self.longest if deadline is None else min(deadline, self.longest)
            job = Job(self, name, work, owner, longest, self._turn_for(owner, waiting), address)
            self._waiting.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="playground-model", daemon=True)
                self._worker.start()
                atexit.register(self.close)
            self._changed.notify_all()
        return job

    def status(self, owner: str | None = None) -> Status:
        """State of the worker, and of what waits of `owner`."""
        with self._changed:
            job, waiting = self._running, self._schedule()
            mine = next((self._place(one) for one in waiting if owner is not None and one.owner == owner), None)
            own = owner is not None and any(one.owner == owner for one in self._all())
            if job is None:
                return Status(None, None, 0.0, None, len(waiting), mine, own)
            to_go = self._to_go(job)
            return Status(job.name, job._share, job.seconds, to_go, len(waiting), mine, own, job._longer)

    @property
    def running(self) -> Job[Any] | None:
        return self._running

    def cancel_all(self, owner: str | None = None) -> None:
        """Cancel every job (of this owner, when one is named)."""
        with self._changed:
            jobs = self._all()
        for job in jobs:
            if owner is None or job.owner == owner:
                job.cancel()

    def others_at_work(self, owner: str) -> int:
        """How many other owners have a job that runs or waits."""
        with self._changed:
            return len({job.owner for job in self._all() if job.owner != owner})

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Cancel everything and end the worker; waits for it at most `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.cancel_all()
        if self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join(timeout)
        atexit.unregister(self.close)

    def _turn_for(self, owner: str | None, waiting: list[Job[Any]]) -> int:
        if owner is None:
            return self._turn + 1
        earlier = [job._turn for job in waiting if job.owner == owner]
        if owner in self._last_turn:
            earlier.append(self._last_turn[owner])
        return max([self._turn + 1, *(turn + 2 for turn in earlier)])

    def _schedule(self) -> list[Job[Any]]:
        """The waiting jobs in the order in which they will run."""
        return sorted((job for job in self._waiting if not job._stop), key=lambda job: job._turn)  # sorted() is stable

    def _all(self) -> list[Job[Any]]:
        """What waits, and what runs."""
        return [*self._waiting, *([self._running] if self._running is not None else [])]

    def _check_room(self, waiting: list[Job[Any]], owner: str | None, address: str | None) -> None:
        """Raises InputError when no more jobs may wait."""
        if owner is not None and sum(job.owner == owner for job in waiting) >= self.owner_limit:
            raise InputError(
                f"Expected at most {self.owner_limit} jobs of one page waiting for the model, got one more; wait for "
                "them, or press Stop."
            )
        of_address = int(ADDRESS_SHARE * self.queue_limit)
        full = address is not None and sum(job.address == address for job in waiting) >= of_address
        if full or len(waiting) >= self.queue_limit:
            raise InputError(
                f"Expected at most {of_address if full else self.queue_limit} jobs waiting for the model, got one more "
                "(it is busy); try again in a moment."
            )

    def _place(self, job: Job[Any]) -> Waiting | None:
        """Position 1 for the next job; None for a job that does not wait, or starts at once."""
        if job.state != "waiting" or job._stop:
            return None
        before = self._schedule()
        before = before[: before.index(job)]
        if not before and self._running is None:
            return None
        times = [self._took.get(_kind(one)) for one in before]
        if self._running is not None:
            times.append(self._to_go(self._running))
        known = [one for one in times if one is not None]
        return Waiting(len(before) + 1, sum(known) if len(known) == len(times) else None)

    def _to_go(self, job: Job[Any]) -> float | None:
        """Seconds that a running job will take yet: as it says itself, else as jobs of its kind took. None once that
        has passed without another word.
        """
        took = self._took.get(_kind(job))
        left = None if took is None else took - job.seconds
        if job._seconds_to_go is not None:
            left = job._seconds_to_go - (time.monotonic() - job._estimated_at)
        return None if left is None or left < 0 else left

    def _remove(self, job: Job[Any]) -> None:
        if job in self._waiting:
            self._waiting.remove(job)

    def _tell_waiting(self) -> None:
        """Wake the readers of the jobs that wait: their places may have changed."""
        for job in self._waiting:
            job._changed.notify_all()

    def _next(self) -> Job[Any] | None:
        """The job to run, marked as running; None when nothing waits. Called with the lock held."""
        for stopped in [job for job in self._waiting if job._stop]:  # their readers are gone
            self._waiting.remove(stopped)
            stopped._finish("cancelled")
        job = next(iter(self._schedule()), None)
        if job is None:
            return None
        self._waiting.remove(job)
        self._turn = job._turn
        self._last_turn = {o: turn for o, turn in self._last_turn.items() if turn + 1 >= self._turn}
        if job.owner is not None:
            self._last_turn[job.owner] = job._turn
        job.state, job.started = "running", time.monotonic()
        self._running = job
        return job

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                job = self._next()
                if job is not None:
                    job._changed.notify_all()
                self._tell_waiting()
            if job is None:
                continue
            job._run()
            with self._changed:
                self._took[_kind(job)] = (self._took.get(_kind(job), job.seconds) + job.seconds) / 2
                del job  # the worker keeps no result alive while it waits
                self._running = None


def _kind(job: Job[Any]) -> str:
    """The first word of a job's name: what it does, not with what."""
    return job.name.partition(" ")[0]
