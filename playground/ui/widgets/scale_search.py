"""Search for scales: the job, its progress line, and a summary of its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.durations import to_go
from playground.services.jobs import JobContext
from playground.services.scales import ScalesProgress, find_scales

SCALE_FIELDS = ("onsets", "breaks", "found_scales", "scales_tried")


def scales_of(loaded: LoadedModel, vector_set: VectorSet, context: JobContext) -> VectorSet:
    """The set with found scales. Emits ScalesProgress, and after each block of rows of a large set the set so far.

    A run that is stopped returns the scales found until then. Raises Cancelled when there are none.
    """

    def keep(so_far: VectorSet) -> None:
        context.emit(so_far)

    return find_scales(loaded, vector_set, None, context.emit, context.cancelled, keep)


def with_scales_of(vector_set: VectorSet, scaled: VectorSet) -> VectorSet:
    """`vector_set` with the scales of `scaled`, a set of the same vectors; names and stars stay."""
    return replace(vector_set, **{name: getattr(scaled, name) for name in SCALE_FIELDS})


def progress_line(events: Sequence[object]) -> str:
    """The newest ScalesProgress among events as a line of text; empty when there is none."""
    progress = [event for event in events if isinstance(event, ScalesProgress)]
    if not progress:
        return ""
    return f"looking at texts to find the scales · {100 * progress[-1].share:.0f} %{to_go(progress[-1])}"


def scales_summary(vector_set: VectorSet) -> str:
    """Counts of the signed vectors with a found scale, with noise only, and without effect, as a sentence."""
    windows = [vector_set.window(row, sign) for row in range(vector_set.rows) for sign in (1, -1)]
    looked = [window for window in windows if window is not None]
    found = sum(window.found is not None for window in looked)
    noise = sum(window.found is None and window.noise for window in looked)
    parts = [f"{found} of {len(windows)} signed vectors say something else in readable text at their found scale"]
    if noise:
        parts.append(f"{noise} only make noise")
    if len(looked) - found - noise:
        parts.append(f"{len(looked) - found - noise} change nothing")
    if len(windows) > len(looked):
        parts.append(f"{len(windows) - len(looked)} were not looked at")
    return "; ".join(parts) + ". Sliders in Steer are marked with it."
