"""Sessions whose event stream is open, and an end to the events of those that nobody reads.

Gradio keeps the messages of a session until somebody asks for them, and runs its events to their end in any case. So a
session that puts events into the queue and never reads them would hold the model and memory for as long as it likes.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ABSENT = 4.0
"""Seconds without a reader and without a heartbeat after which the events of a session end."""
STALLED = 30.0
"""The same with a heartbeat, which every open page has: a slow browser may take seconds to ask for its events."""
EVERY = 0.5
"""Seconds between two looks."""


class Readers:
    """Open streams by session, and the clearing of sessions without one. For the event loop's thread.

    `queue` gives Gradio's queue; `on_absent` is told of each session that was cleared.
    """

    def __init__(
        self,
        queue: Callable[[], Any],
        on_absent: Callable[[str], None],
        absent: float = ABSENT,
        stalled: float = STALLED,
    ):
        self._queue = queue
        self._on_absent = on_absent
        self._absent = absent
        self._stalled = stalled
        self._open: Counter[str] = Counter()
        self._beating: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def stream(self, name: str) -> Iterator[None]:
        """Inside the block a stream of this session, or event, is read."""
        with _counted(self._open, name):
            yield

    @contextmanager
    def heartbeat(self, session: str) -> Iterator[None]:
        """Inside the block the page of this session is open."""
        with _counted(self._beating, session):
            yield

    def watch(self) -> None:
        """Begin to look again and again, where that has not begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    def pending(self) -> dict[str, int]:
        """Sessions with events that are not answered, or not read, and how many."""
        return {session: len(events) for session, events in self._queue().pending_event_ids_session.items() if events}

    async def clear(self) -> None:
        """End the events of sessions that nobody has read for `absent` seconds, and forget their messages."""
        queue, now = self._queue(), time.monotonic()
        unread = {
            session
            for session, events in queue.pending_event_ids_session.items()
            if events and session not in self._open and not any(event in self._open for event in events)
        }
        self._since = {session: self._since.get(session, now) for session in unread}
        for session, since in list(self._since.items()):
            if now - since >= (self._stalled if session in self._beating else self._absent):
                await self._forget(queue, session)

    async def _forget(self, queue: Any, session: str) -> None:
        await queue.clean_events(session_hash=session)
        for event in queue.pending_event_ids_session.pop(session, ()):
            queue.event_ids_to_events.pop(event, None)
        if session in queue.pending_messages_per_session:
            del queue.pending_messages_per_session[session]
        del self._since[session]
        self._on_absent(session)

    async def _look(self) -> None:
        while not self._queue().stopped:
            await asyncio.sleep(EVERY)
            await self.clear()


@contextmanager
def _counted(counter: Counter[str], name: str) -> Iterator[None]:
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if counter[name] <= 0:
            del counter[name]
