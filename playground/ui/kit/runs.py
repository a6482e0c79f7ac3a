"""Runs of long handlers, in threads of their own: what a visitor chose to keep goes on while the page is closed.

A Gradio handler ends with the page that called it. A `Run` is the handler's generator driven by a thread instead; it
merges the updates, so that any page of the same browser can show all of them later, and follow the rest.
"""

from __future__ import annotations

import contextvars
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from playground.ui.kit.running import TICK
from playground.ui.kit.visitor import Visitor

Updates = dict[Any, Any]
KEPT_SECONDS = 3600.0
"""How long a run that nobody reads is kept, from its start."""
KEPT_RUNS = 4
"""Of one browser; beyond it the oldest goes."""


class Run:
    """One run of a handler. `updates` are merged: the newest value of each component since the run began."""

    def __init__(self, tab: str, label: str, visitor: Visitor, updates: Iterator[Updates]):
        self.id = secrets.token_hex(8)
        self.tab = tab
        self.label = label
        self.visitor = visitor
        self.begun = time.monotonic()
        self.ended: float | None = None
        self._generator = updates
        self._changed = threading.Condition()
        self._updates: Updates = {}
        self._fresh: Updates = {}
        self._stop = False
        self._error: Exception | None = None
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._drive,), name=f"playground-{tab}", daemon=True).start()

    @property
    def running(self) -> bool:
        return self.ended is None

    @property
    def updates(self) -> Updates:
        """All that the run has shown so far."""
        with self._changed:
            return dict(self._updates)

    def stop(self) -> None:
        """End the run at its next update, as if its page had been closed."""
        self._stop = True

    def follow(self, every: float = TICK) -> Iterator[Updates]:
        """What is new, whenever there is something, at least every `every` seconds; ends with the run."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._fresh or not self.running, every)
                fresh, self._fresh = self._fresh, {}
                over = not self.running
            if fresh:
                yield fresh
            if over:
                if self._error is not None:
                    raise self._error
                return

    def _drive(self) -> None:
        try:
            for updates in self._generator:
                with self._changed:
                    for kept in (self._updates, self._fresh):
                        for component, update in updates.items():
                            kept[component] = merged(kept.get(component), update)
                    self._changed.notify_all()
                if self._stop:
                    break
        except Exception as error:  # for whoever reads: a handler that shows its errors raises none but bugs
            self._error = error
        finally:
            close = getattr(self._generator, "close", None)
            if close is not None:
                close()
            with self._changed:
                self.ended = time.monotonic()
                self._changed.notify_all()


def merged(before: Any, after: Any) -> Any:
    """One update that does what two do, one after the other."""
    if not _is_update(after) or before is None:
        return after
    if _is_update(before):
        return {**before, **after}
    return {"value": before, **after}


def _is_update(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update"


class Runs:
    """Runs of all visitors that no page shows any more: they were to be kept, or their page is being loaded anew."""

    def __init__(self, cancel: Callable[[Visitor], None], clock: Callable[[], float] = time.monotonic):
        self._cancel = cancel
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: list[Run] = []

    def keepable(
        self, tab: str, label: str, visitor_of: Callable[[gr.Request], Visitor]
    ) -> Callable[[Callable[..., Iterator[Updates]]], Callable[..., Iterator[Updates]]]:
        """Decorator of a handler `(request, *values)` that yields updates: it runs on where its visitor keeps runs."""

        def decorate(function: Callable[..., Iterator[Updates]]) -> Callable[..., Iterator[Updates]]:
            def handler(request: gr.Request, *values: Any) -> Iterator[Updates]:
                visitor = visitor_of(request)
                yield from self.reading(Run(tab, label, visitor, function(request, *values)))

            return handler

        return decorate

    def reading(self, run: Run) -> Iterator[Updates]:
        """Follow a run for a page; when the page goes, keep it or end it."""
        try:
            yield from run.follow()
        finally:
            if run.running:
                self._left(run)

    def kept(self, visitor: Visitor) -> Sequence[Run]:
        """Runs of the visitor's browser that no page shows, the oldest first."""
        self._sweep()
        with self._lock:
            return [run for run in self._runs if _same(run.visitor, visitor)]

    def take(self, visitor: Visitor, number: str) -> Run | None:
        """The kept run of this id, which is not listed any more; None where this browser has none."""
        run = next((run for run in self.kept(visitor) if run.id == number), None)
        return run if run is not None and self._unlisted(run) else None

    def end(self, run: Run) -> None:
        """Stop a run and what it has waiting."""
        run.stop()
        self._cancel(run.visitor)

    def drop_unkept(self, visitor: Visitor) -> None:
        """End the runs of the visitor's browser that were not to be kept: none of its pages is open any more."""
        for run in self.kept(visitor):
            if not run.visitor.keep:
                self._drop(run)

    def _left(self, run: Run) -> None:
        if not run.visitor.keep and not run.visitor.leaving:
            self.end(run)
            return
        with self._lock:
            mine = [one for one in self._runs if _same(one.visitor, run.visitor)]
            self._runs.append(run)
        for oldest in mine[: max(0, len(mine) + 1 - KEPT_RUNS)]:
            self._drop(oldest)
        timer = threading.Timer(KEPT_SECONDS - (self._clock() - run.begun), self._drop, (run,))
        timer.daemon = True
        timer.start()

    def _drop(self, run: Run) -> None:
        """End a run that no page shows, and forget it."""
        if self._unlisted(run) and run.running:
            self.end(run)

    def _unlisted(self, run: Run) -> bool:
        """Take a run off the list; whether it was there."""
        with self._lock:
            there = run in self._runs
            if there:
                self._runs.remove(run)
            return there

    def _sweep(self) -> None:
        old = self._clock() - KEPT_SECONDS
        for run in [run for run in self._runs if run.begun <= old]:
            self._drop(run)


def _same(one: Visitor, other: Visitor) -> bool:
    """Whether two sessions are of one browser."""
    return one is other or (one.browser is not None and one.browser == other.browser)
