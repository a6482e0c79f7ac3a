"""Output of the search for scales: its progress line, and found scales in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.services.scales import ScalesProgress

def scales_line(event: ScalesProgress) -> str:
    """Progress of the search for scales as one line."""
    return f"scales · {event.share:.0%}{to_go(event)}"


def scale_text(vector_set: VectorSet, row: int, sign: int) -> str:
    """Table cell: found scale of a row in one sign, relative to the reference norm, as "0.14", "noise", "none", "–"."""
    window = vector_set.window(row, sign)
    if window is None:
        return "–"
    if window.found is None:
        return "noise" if window.noise else "none"
    return f"{window.found / vector_set.origin.residual_norm:.2g}"
