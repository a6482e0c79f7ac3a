"""Shares of the server: how many events and uploads a session, an address and all together may have."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True)
class Shares:
    """Limits of the HTTP server. Sizes are in bytes.

    One page has some ten events under way while it opens. Many people can have one address (a class, an office), so it
    gets more than a session, and never all there is.
    """

    session_events: int = 32
    address_events: int = 400
    events: int = 1000
    body: int = 2 * MB
    """Of an event: all values of one tab, with the longest prompts that a request may have."""
    upload: int = 64 * MB
    """Of one request."""
    visitor_uploads: int = 256 * MB
    address_uploads: int = 1000 * MB
    uploads: int = 4000 * MB
    """Of all visitors together, within KEPT: after that Gradio deletes them."""
    visitor_files: int = 200


PUBLIC = Shares(
    session_events=24,
    address_events=200,
    body=1 * MB,
    upload=16 * MB,
    visitor_uploads=64 * MB,
    address_uploads=256 * MB,
    uploads=1000 * MB,
    visitor_files=40,
)
KEPT = 24 * 3600.0
"""Seconds for which an upload counts: until it is deleted."""


class Uploads:
    """Sizes of the files that came within KEPT seconds, by whom they came from. For the event loop's thread."""

    def __init__(self, shares: Shares, clock: Callable[[], float] = time.monotonic):
        self._shares = shares
        self._clock = clock
        self._kept: deque[tuple[float, str, str, int]] = deque()

    def problem(self, visitor: str, address: str, size: int) -> str | None:
        """A sentence on why an upload of this size is not taken now; None where it is."""
        while self._kept and self._kept[0][0] < self._clock() - KEPT:
            self._kept.popleft()
        shares, mine = self._shares, [one for _, who, _, one in self._kept if who == visitor]
        there = sum(one for _, _, where, one in self._kept if where == address)
        if len(mine) >= shares.visitor_files or sum(mine) + size > shares.visitor_uploads:
            return (
                f"Expected at most {shares.visitor_files} uploads of {shares.visitor_uploads // MB} MB together within "
                "a day, got more; use what is uploaded, or come back tomorrow."
            )
        if there + size > shares.address_uploads or sum(one for *_, one in self._kept) + size > shares.uploads:
            return "Expected room for an upload, got none left today for all visitors together; try again tomorrow."
        return None

    def add(self, visitor: str, address: str, size: int) -> None:
        """Note an upload that was taken."""
        self._kept.append((self._clock(), visitor, address, size))
