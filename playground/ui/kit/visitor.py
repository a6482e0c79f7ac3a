"""Session state of one visitor: plain data, no Gradio in it.

Visitors share the model, the queue and the library, and nothing else: what one of them computed, uploaded or deleted
is kept here under their own session and forgotten when they leave. Visitor holds the state that all tabs share; the
state of a single tab or widget is a Slice subclass beside its code.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Self, TypeVar

from playground.errors import FileError, InputError
from playground.library.vector_set import VectorSet
from playground.ui.kit.event_order import EventOrder

VISITORS = 500
"""Sessions kept at once; beyond it the least recently used is dropped, because an unload event may never arrive."""


@dataclass
class Visitor:
    """One browser tab. `found` is the set that was computed last, saved or not."""

    session: str
    browser: str | None = None
    """The key in the browser's cookie; None where it keeps none."""
    address: str | None = None
    """Where the visitor's first request came from."""
    keep: bool = False
    """Whether runs go on when the page is closed."""
    leaving: bool = False
    """Whether the page was closed, and no other page has taken the session up."""
    found: VectorSet | None = None
    found_number: int = 0
    """Counts the changes of `found`, so that the page notices them."""
    saved_as: str | None = None
    """The name under which `found` is in the library."""
    note_events: EventOrder = field(default_factory=EventOrder)
    """Order of the events on a vector's star, name, note or discard; the key is (set, row, action)."""
    model_shown: str = ""
    """The model token that the page was last filled in for."""
    library_shown: str = ""
    """The library token that its pickers and lists were last filled in for."""
    slices: dict[type[Slice], Slice] = field(default_factory=dict)
    """State of tabs and widgets, by class."""

    @property
    def computed(self) -> VectorSet:
        """The set that was computed last. Raises FileError when there is none."""
        if self.found is None:
            raise FileError("Expected computed vectors, got none; press Compute first.")
        return self.found

    def keep_found(self, vector_set: VectorSet) -> None:
        """Replace the set that was computed before by this one, which is not saved."""
        self.found = vector_set
        self.found_number += 1
        self.saved_as = None

    def slice(self, kind: type[S]) -> S:
        """The visitor's slice of this class; created on first use."""
        if kind not in self.slices:
            self.slices.setdefault(kind, kind())  # another thread may have been first
        kept = self.slices[kind]
        assert isinstance(kept, kind)
        return kept


class Slice:
    """Per-visitor state of one tab or widget: a dataclass whose fields all have defaults."""

    @classmethod
    def of(cls, visitor: Visitor) -> Self:
        """The slice of a visitor."""
        return visitor.slice(cls)

    def adopted(self) -> None:
        """The session goes on in another page, which shows nothing of it yet but what its run has written."""


S = TypeVar("S", bound=Slice)


class Visitors:
    """Session → Visitor. Safe to use from any thread."""

    def __init__(self, capacity: int = VISITORS):
        self._capacity = capacity
        self._lock = threading.Lock()
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, session: str | None, browser: str | None = None, address: str | None = None) -> Visitor:
        """The visitor of a session; created on first use. Raises InputError for a session of another browser."""
        session = session or "anonymous"
        with self._lock:
            if session not in self._visitors:
                self._visitors[session] = Visitor(session, browser, address)
                while len(self._visitors) > self._capacity:
                    self._visitors.popitem(last=False)
            visitor = self._visitors[session]
            if visitor.browser != browser:
                raise InputError("Expected a session of this browser, got another one's; reload the page.")
            self._visitors.move_to_end(session)
            return visitor

    def known(self, session: str) -> Visitor | None:
        """The visitor of a session, where there is one already."""
        with self._lock:
            return self._visitors.get(session)

    def adopt(self, now: Visitor, earlier: Visitor, tab: str) -> Visitor:
        """Go on with an earlier session of the same browser in the page of `now`: what `tab` computed there is the
        page's, and what the other tabs hold now stays.
        """
        with self._lock:
            if tab != "discover" and now.found is not None:
                earlier.found, earlier.saved_as = now.found, now.saved_as
            for kind, kept in now.slices.items():
                if f".ui.{tab}." not in f"{kind.__module__}.":
                    earlier.slices[kind] = kept
            for kind, kept in earlier.slices.items():
                if f".ui.{tab}." in f"{kind.__module__}.":
                    kept.adopted()
            earlier.found_number += now.found_number + 1
            earlier.keep, earlier.leaving = now.keep, False
            earlier.model_shown, earlier.library_shown = now.model_shown, now.library_shown
            for session, visitor in self._visitors.items():
                if visitor is now:
                    self._visitors[session] = earlier
            return earlier

    def any_of(self, browser: str) -> bool:
        """Whether a page of this browser is open."""
        with self._lock:
            return any(visitor.browser == browser for visitor in self._visitors.values())

    def leave(self, session: str | None) -> None:
        """Forget a session and all that it kept."""
        with self._lock:
            self._visitors.pop(session or "anonymous", None)

    def __len__(self) -> int:
        return len(self._visitors)
