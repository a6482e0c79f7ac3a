"""Session state of one visitor: plain data, no Gradio in it.

Visitors share the model, the queue and the library, and nothing else: what one of them computed, uploaded or deleted
is kept here under their own session and forgotten when they leave. What all tabs see stands in Visitor; what a tab or
a widget keeps for itself is a Slice of its own, declared beside it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Self, TypeVar

from playground.library.vector_set import VectorSet
from playground.ui.kit.numbered import Newest

VISITORS = 500
"""More sessions than this at once are forgotten oldest first: a leave that never arrived must not keep memory."""


@dataclass
class Visitor:
    """One browser tab. `found` was computed and is not saved."""

    session: str
    found: VectorSet | None = None
    found_number: int = 0
    """Counts what was computed, so that the page notices."""
    saved_as: str | None = None
    """The name under which `found` is in the library."""
    noted: Newest = field(default_factory=Newest)
    """The newest event about a vector's star, name, note or discard, by set, row and which of them."""
    model_shown: str = ""
    """The model token that the page was last filled in for."""
    library_shown: str = ""
    """The library token that its pickers and lists were last filled in for."""
    slices: dict[type[Slice], Slice] = field(default_factory=dict)
    """What tabs and widgets keep, by class."""

    def keep_found(self, vector_set: VectorSet) -> None:
        """Take in what was just computed in place of the one before."""
        self.found = vector_set
        self.found_number += 1
        self.saved_as = None

    def slice(self, kind: type[S]) -> S:
        """The visitor's slice of this class, new when it is asked for first."""
        kept = self.slices.setdefault(kind, kind())
        assert isinstance(kept, kind)
        return kept


class Slice:
    """State that one tab or widget keeps for each visitor: a dataclass whose fields all have defaults."""

    @classmethod
    def of(cls, visitor: Visitor) -> Self:
        """That of a visitor."""
        return visitor.slice(cls)


S = TypeVar("S", bound=Slice)


class Visitors:
    """Session → Visitor. Safe to use from any thread."""

    def __init__(self, capacity: int = VISITORS):
        self._capacity = capacity
        self._lock = threading.Lock()
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, session: str | None) -> Visitor:
        """The visitor of a session, new when it has not been seen before."""
        session = session or "anonymous"
        with self._lock:
            if session not in self._visitors:
                self._visitors[session] = Visitor(session)
                while len(self._visitors) > self._capacity:
                    self._visitors.popitem(last=False)
            self._visitors.move_to_end(session)
            return self._visitors[session]

    def leave(self, session: str | None) -> None:
        with self._lock:
            self._visitors.pop(session or "anonymous", None)

    def __len__(self) -> int:
        return len(self._visitors)
