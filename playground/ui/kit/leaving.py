"""Runs of a closed page: they go on if its browser comes back at once, as in a reload, and end if not.

A reload looks to the server like a page that was closed and one that was opened. The new page is asked for before the
old one's connection ends, and its session begins a moment after.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from playground.ui.kit.runs import Runs
from playground.ui.kit.visitor import VISITORS, Visitor, Visitors

WAIT = 2.5
"""Seconds between looks whether the browser is back; a run that nobody reads ends within 5 s."""
OPENING = 20.0
"""Seconds that a page may take from its request to its session, on a slow machine."""
BEFORE = 2.0
"""Seconds before the end of the old page from which a request for the page counts as the reload."""


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Leaving:
    """Decides about the runs and jobs of visitors whose page was closed; safe to use from any thread."""

    def __init__(
        self,
        visitors: Visitors,
        runs: Runs,
        cancel: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = _later,
    ):
        self._visitors, self._runs, self._cancel = visitors, runs, cancel
        self._clock, self._later = clock, later
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, float] = OrderedDict()

    def asked(self, browser: str) -> None:
        """A browser asks for the page."""
        with self._lock:
            self._asked.pop(browser, None)
            self._asked[browser] = self._clock()
            while len(self._asked) > VISITORS:
                self._asked.popitem(last=False)

    def left(self, visitor: Visitor) -> None:
        """The page of a visitor, of a browser with a key, was closed: its runs wait for what comes."""
        visitor.leaving = True
        since = self._clock()
        self._later(WAIT, lambda: self._look(visitor, since))

    def _look(self, visitor: Visitor, since: float) -> None:
        assert visitor.browser is not None
        if not visitor.leaving or self._visitors.any_of(visitor.browser):
            return  # a page of this browser lists the runs; when it goes, it takes them along
        with self._lock:
            asked = self._asked.get(visitor.browser, -OPENING)
        if asked >= since - BEFORE and self._clock() - asked < OPENING:
            self._later(WAIT, lambda: self._look(visitor, since))
            return
        visitor.leaving = False
        self._runs.drop_unkept(visitor)
        self._cancel(visitor.session)
