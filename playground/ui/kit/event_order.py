"""Client event sequence numbers; stale events are dropped.

The browser numbers its events: two that are sent at once may reach the server in either order.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

NEXT_JS = "(window.spSequence = (window.spSequence ?? 0) + 1)"
"""JavaScript expression for the sequence number of the next event."""
NUMBERED_JS = f"(first, ...others) => [[first, {NEXT_JS}], ...others]"
"""JavaScript of an event that pairs the first of its values with a sequence number."""


@dataclass
class EventOrder:
    """The newest sequence number of each thing that events are about."""

    newest: dict[Hashable, int] = field(default_factory=dict)

    def accept(self, key: Hashable, number: int) -> bool:
        """Record the event `number` about `key`. False, and nothing recorded, when a later one has been recorded."""
        if number <= self.newest.get(key, 0):
            return False
        self.newest[key] = number
        return True

    def is_newest(self, key: Hashable, number: int) -> bool:
        """Whether no later event about `key` has been recorded."""
        return number >= self.newest.get(key, 0)
