"""Libraries of visitors to a public page: what each keeps is in a folder of its own, and goes with the visitor."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playground.analyses.common.measurements import Measurements
from playground.library.store import Store
from playground.ui.kit.visitor import Visitor

MOST_BYTES = 64 * 2**20
"""What one visitor may keep."""
GRACE = 600.0
"""Seconds for which a library stays after its visitor has left, so that a reload finds it."""


@dataclass
class Library:
    """Vector sets and measurements: those that all share, or those of one visitor over them."""

    sets: Store
    measurements: Measurements
    present: set[str] = field(default_factory=set)
    """Sessions of its visitor that are open."""
    left: float | None = None
    """When the last of them was closed."""


class PrivateLibraries:
    """The libraries of all visitors, by the key of their browser; by their session where it keeps no key."""

    def __init__(self, shared: Path, clock: Callable[[], float] = time.monotonic):
        self._shared = shared
        self._clock = clock
        self._folder = tempfile.TemporaryDirectory(prefix="playground-visitors-")
        self._lock = threading.Lock()
        self._libraries: dict[str, Library] = {}

    def of(self, visitor: Visitor) -> Library:
        """The library of a visitor; its folder is made when something is kept in it."""
        key = _key(visitor)
        with self._lock:
            self._sweep()
            if key not in self._libraries:
                folder = Path(self._folder.name) / key
                self._libraries[key] = Library(
                    Store(folder, self._shared, MOST_BYTES), Measurements(folder, self._shared, MOST_BYTES)
                )
            library = self._libraries[key]
            library.present.add(visitor.session)
            library.left = None
            return library

    def leave(self, visitor: Visitor) -> None:
        """A session of the visitor was closed."""
        with self._lock:
            library = self._libraries.get(_key(visitor))
            if library is not None:
                library.present.discard(visitor.session)
                if not library.present:
                    library.left = self._clock()
            self._sweep()

    def __len__(self) -> int:
        return len(self._libraries)

    def _sweep(self) -> None:
        for key, library in list(self._libraries.items()):
            if library.left is not None and self._clock() - library.left > GRACE:
                del self._libraries[key]
                shutil.rmtree(library.sets.folder, ignore_errors=True)


def _key(visitor: Visitor) -> str:
    """A name for a folder that nobody can guess or choose: the browser sends the parts."""
    whose = f"session {visitor.session}" if visitor.browser is None else f"browser {visitor.browser}"
    return hashlib.sha256(whose.encode(errors="replace")).hexdigest()
