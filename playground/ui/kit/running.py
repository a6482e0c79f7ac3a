"""Runs jobs for the page: events in batches, the status line, errors as one sentence."""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from playground.errors import Cancelled, PlaygroundError
from playground.services.jobs import Job, Status, Tick, Waiting
from playground.ui.kit.markup import escape, notice

EVERY = 0.07
"""Seconds between two redraws: a browser shows no more than that, and the worker should not wait for one."""
TICK = 0.25
"""Seconds after which a silent job gives the page a chance to leave."""
EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""Options of every event of the page. Gradio's browser part tells each component that an event writes to how the event
is doing, for every event anew and with a walk through the whole page each: told to nobody, all of them are twice as
fast.
"""
UNCHECKED: dict[str, Any] = {"preprocess": False}
"""For events that read pickers of vectors: Gradio would refuse a whole event because a browser still sends, for a
moment, the row it showed for another set. The values are checked by `Pick`, with a sentence each.
"""
APOLOGY = "Something went wrong inside the playground, not with what you typed; the server's log has the details."
STOPPED = "Stopped before there was anything to show."


def follow(job: Job[Any], every: float = EVERY) -> Iterator[list[object]]:
    """The job's events in order, in batches at most every `every` seconds; an empty batch when it has been silent.

    Closing it (the visitor has left) cancels the job.
    """
    events = job.events(tick=TICK)
    batch: list[object] = []
    last = 0.0
    try:
        for event in events:
            silent = isinstance(event, Tick)
            if not silent:
                batch.append(event)
            if silent or time.monotonic() - last >= every:
                yield batch
                batch, last = [], time.monotonic()
        if batch:
            yield batch
    finally:
        events.close()


def waiting_position(batch: list[object]) -> int | None:
    """The place in the queue, when the batch says that the job waits."""
    positions = [event.position for event in batch if isinstance(event, Waiting)]
    return positions[-1] if positions else None


def status_line(status: Status) -> str:
    """What runs, how far, for how long still."""
    if status.running is None:
        return '<div class="sp-status"><i class="sp-dot"></i><span>ready</span></div>'
    parts = [status.running, seconds(status.seconds)]
    if status.seconds_to_go is not None:
        parts.append(f"{seconds(status.seconds_to_go)} to go")
    if status.waiting:
        parts.append(f"{status.waiting} waiting")
    share = (
        ""
        if status.share is None
        else f'<b class="sp-share" style="width:{100 * min(max(status.share, 0), 1):.0f}%"></b>'
    )
    return f'<div class="sp-status sp-busy"><i class="sp-dot"></i><span>{escape(" · ".join(parts))}</span>{share}</div>'


def seconds(value: float) -> str:
    """A duration with sensible digits."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min"


def sentence(error: Exception) -> str:
    """What a visitor reads of an error: the sentence it was given, or an apology while the log gets the traceback."""
    if isinstance(error, Cancelled):
        return STOPPED
    if isinstance(error, PlaygroundError):
        text = str(error)
        return text[:1].upper() + text[1:]
    traceback.print_exception(error, file=sys.stderr)
    return APOLOGY


def long(notice_in: Callable[[], gr.HTML], restore: Callable[[], dict[Any, Any]] = dict) -> Callable[..., Any]:
    """Decorates a generator handler that yields {component: value}: its errors end up beside its button.

    `notice_in` names the component for the sentence; `restore` gives what else must be put back at the end, always.
    """

    def decorate(function: Callable[..., Iterator[dict[Any, Any]]]) -> Callable[..., Iterator[dict[Any, Any]]]:
        @functools.wraps(function)
        def handler(*values: Any, **named: Any) -> Iterator[dict[Any, Any]]:
            try:
                yield {notice_in(): ""}
                yield from function(*values, **named)
                yield restore()
            except Cancelled as error:
                yield {notice_in(): notice(sentence(error), "info"), **restore()}
            except Exception as error:
                yield {notice_in(): notice(sentence(error)), **restore()}

        return handler

    return decorate


def quick(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a handler that answers at once: its errors become a message, and no output changes.

    A warning rather than an error raised, which Gradio would also write over every output of the handler.
    """

    @functools.wraps(function)
    def handler(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except Exception as error:
            gr.Warning(escape(sentence(error)), title="Not done", duration=10)
            return gr.skip()

    return handler


def queue_sentence(position: int) -> str:
    """What somebody whose job waits is told."""
    return f"The model is busy with another job; this one is number {position} in the queue."
