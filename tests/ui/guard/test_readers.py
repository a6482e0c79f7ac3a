"""guard/readers.py: whose events end because nobody reads them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from playground.ui.guard.readers import Readers


class Queue(SimpleNamespace):
    """What the guard knows of Gradio's queue."""

    def __init__(self, **pending):
        super().__init__(
            pending_event_ids_session={session: set(events) for session, events in pending.items()},
            pending_messages_per_session={session: object() for session in pending},
            event_ids_to_events={event: object() for events in pending.values() for event in events},
            cleaned=[],
        )

    async def clean_events(self, session_hash):
        self.cleaned.append(session_hash)


def looked_at(queue, *, absent=0.0, stalled=99.0, streams=(), beating=()):
    """Sessions that were cleared after two looks."""
    gone = []
    readers = Readers(lambda: queue, gone.append, absent, stalled)

    async def look():
        await readers.clear()
        await readers.clear()

    contexts = [readers.stream(name) for name in streams] + [readers.heartbeat(name) for name in beating]
    for context in contexts:
        context.__enter__()
    asyncio.run(look())
    for context in contexts:
        context.__exit__(None, None, None)
    assert not readers._open
    assert not readers._beating
    return gone


def test_a_session_without_a_reader_is_cleared_and_forgotten():
    queue = Queue(absent=["e1"], reading=["e2"])
    assert looked_at(queue, streams=["reading"]) == ["absent"]
    assert queue.cleaned == ["absent"]
    assert list(queue.pending_event_ids_session) == ["reading"]
    assert list(queue.pending_messages_per_session) == ["reading"]
    assert list(queue.event_ids_to_events) == ["e2"]


def test_a_reader_of_one_event_is_a_reader_of_its_session():
    assert looked_at(Queue(session=["e1", "e2"]), streams=["e2"]) == []


def test_a_session_with_nothing_under_way_is_left_alone():
    assert looked_at(Queue(session=[])) == []


def test_an_open_page_that_is_slow_has_more_time_and_not_for_ever():
    assert looked_at(Queue(page=["e1"]), beating=["page"]) == []
    assert looked_at(Queue(page=["e1"]), beating=["page"], stalled=0.0) == ["page"]


def test_the_time_without_a_reader_counts_from_when_there_was_something_to_read():
    queue, gone = Queue(session=[]), []
    readers = Readers(lambda: queue, gone.append, absent=0.05)

    async def look():
        await readers.clear()
        await asyncio.sleep(0.1)
        queue.pending_event_ids_session["session"].add("e1")
        await readers.clear()

    asyncio.run(look())
    assert gone == []
