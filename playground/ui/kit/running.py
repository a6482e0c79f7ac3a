"""Event handlers that run jobs: batched progress events, status line, error messages."""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from playground.errors import Cancelled, PlaygroundError
from playground.services import recent
from playground.services.durations import duration, to_go
from playground.services.jobs import Job, Status, Tick, Waiting
from playground.ui.kit.markup import escape, escape_sentence, notice

EVERY = 0.07
"""Seconds between two redraws: a browser shows no more, and the worker should not wait for one."""
TICK = 0.25
"""Seconds after which a job without events lets the generator be closed."""
EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""Options of every event of the page. Without `show_progress_on` Gradio's frontend sends the status of an event to each
of its outputs, with a walk through the whole page each; with an empty list events are twice as fast.
"""
UNCHECKED: dict[str, Any] = {"preprocess": False}
"""Options of events that read vector pickers. Gradio's own check would refuse an event when the browser still sends,
for a moment, the row of another set. `Pick` checks the values instead.
"""
APOLOGY = "Something went wrong inside the playground, not with what you typed; the server's log has the details."
STOPPED = "Stopped before there was anything to show."


def follow(job: Job[Any], every: float = EVERY) -> Iterator[list[object]]:
    """The job's events in order, in batches at most every `every` seconds; an empty batch after TICK without events.

    Closing the iterator (the visitor has left) cancels the job.
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
        if job.timed_out and job.deadline is not None:
            gr.Warning(f"It ran for {seconds(job.deadline)}, the longest a job may; what there was then is shown.")
    finally:
        events.close()


def waiting_line(batch: list[object]) -> str | None:
    """A sentence on the last place in the queue that a batch reports; None when it reports none."""
    places = [event for event in batch if isinstance(event, Waiting)]
    return queue_sentence(places[-1]) if places else None


def queue_sentence(place: Waiting) -> str:
    """A sentence on the place of a waiting job."""
    wait = "" if place.seconds is None else f", in about {duration(place.seconds)}"
    return f"The model is busy with another job; this one is number {place.position} in the queue{wait}."


def status_line(status: Status) -> str:
    """HTML of the status line: the running job, its progress and its remaining time; the place of who waits. It has the
    class sp-own while something of the visitor's runs or waits (kit/running.js).
    """
    if status.running is None:
        own = " sp-own" if status.own else ""
        return f'<div class="sp-status{own}"><i class="sp-dot"></i><span>ready</span></div>'
    parts = [status.running, seconds(status.seconds)]
    if status.seconds_to_go:
        parts.append(to_go(status, before=""))
    if status.mine is not None:
        wait = "" if status.mine.seconds is None else f", about {duration(status.mine.seconds)}"
        parts.append(f"yours waits: {status.mine.position} of {status.waiting}{wait}")
    elif status.waiting:
        parts.append(f"{status.waiting} waiting")
    share = (
        ""
        if status.share is None
        else f'<b class="sp-share" style="width:{100 * min(max(status.share, 0), 1):.0f}%"></b>'
    )
    own = " sp-own" if status.own else ""
    said = escape(" · ".join(parts))
    return f'<div class="sp-status sp-busy{own}"><i class="sp-dot"></i><span>{said}</span>{share}</div>'


def seconds(value: float) -> str:
    """A duration with sensible digits."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min"


def sentence(error: Exception) -> str:
    """The message of an error for a visitor. For anything but a PlaygroundError it is an apology, and the log gets the
    traceback.
    """
    if isinstance(error, Cancelled):
        return STOPPED
    recent.failed(error)
    if isinstance(error, PlaygroundError):
        text = str(error)
        return text[:1].upper() + text[1:]
    traceback.print_exception(error, file=sys.stderr)
    return APOLOGY


def long(notice_in: Callable[[], gr.HTML], restore: Callable[[], dict[Any, Any]]) -> Callable[..., Any]:
    """Decorator of generator handlers that yield {component: value}: errors are shown in a component of the page.

    `notice_in` gives that component; the updates of `restore` are yielded at the end, whether it failed or not.
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
    """Decorator of handlers that return at once: an error becomes a message, and no output changes.

    The message is a gr.Warning: after a gr.Error, Gradio would show the error over every output of the handler.
    """

    @functools.wraps(function)
    def handler(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except Exception as error:
            gr.Warning(escape_sentence(sentence(error)), title="Not done", duration=10)
            return gr.skip()

    return handler
