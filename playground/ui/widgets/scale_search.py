"""Finding scales on the page: the job, what is said while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.scales import ScalesProgress, find_scales
from playground.ui.kit.running import seconds

SCALES = ("onsets", "breaks", "found_scales", "scales_tried")


def scales_of(loaded: LoadedModel, vector_set: VectorSet, context: Any) -> VectorSet:
    """The set with found scales. Emits ScalesProgress, and the set so far after each block of rows of a large one.

    A stop gives what there is. Raises Cancelled when that is nothing.
    """

    def keep(so_far: VectorSet) -> None:
        context.emit(so_far)

    return find_scales(loaded, vector_set, None, context.emit, context.cancelled, keep)


def with_scales_of(vector_set: VectorSet, scaled: VectorSet) -> VectorSet:
    """The set with the scales of another one of the same vectors; its names and stars stay."""
    return replace(vector_set, **{name: getattr(scaled, name) for name in SCALES})


def scales_said(events: Sequence[object]) -> str:
    """The newest progress among events as a line; empty where there is none."""
    progress = [event for event in events if isinstance(event, ScalesProgress)]
    if not progress:
        return ""
    to_go = progress[-1].seconds_to_go
    left = "" if to_go is None or progress[-1].share == 1 else f" · about {seconds(to_go)} to go"
    return f"looking at texts to find the scales · {100 * progress[-1].share:.0f} %{left}"


def scales_summary(vector_set: VectorSet) -> str:
    """How many rows and signs have a window, only make noise, or do nothing."""
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
