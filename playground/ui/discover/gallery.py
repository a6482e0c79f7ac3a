"""The gallery of Discover: its texts after a run, scale strips behind its rows, and what the page shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from playground.errors import Cancelled, InputError
from playground.library.vector_set import VectorSet
from playground.model.generation.sampling import Sampling
from playground.services.gallery import Gallery, GalleryRequest, GalleryText, Signed, write_gallery
from playground.services.generate import GenerateProgress, generate
from playground.services.scales import ScalesProgress
from playground.services.strip import strip_of
from playground.services.suggest import suggest_names
from playground.ui.discover.layout import DiscoverTab
from playground.ui.discover.state import DiscoverState
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.running import follow
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.gallery import Shown, gallery_html
from playground.ui.widgets.words import read_words

REDRAW = 0.25
"""Seconds between two redraws."""
ROWS_A_SECOND = 200
"""Rows that are redrawn a second at most: a browser takes milliseconds for each."""
TOKENS = 32
"""New tokens of a text: enough to see the effect."""

Updates = dict[Any, Any]


def every(vector_set: VectorSet) -> float:
    """Seconds between two redraws of the gallery of a set."""
    return max(REDRAW, vector_set.rows / ROWS_A_SECOND)


def gallery_of(visitor: Visitor) -> str:
    """The gallery of the computed set as HTML, with names and stars as they are now."""
    state = DiscoverState.of(visitor)
    shown = Shown(state.gallery, state.prompt, state.names, state.strips, state.discarded, state.words)
    return gallery_html(visitor.computed, shown)


def record_looks(state: DiscoverState, event: ScalesProgress, prompts: tuple[str, ...]) -> None:
    """Show the newest texts of the search for scales, and keep them all for the suggested names."""
    for look in event.looks:
        if not look.noise:
            place = (look.row, look.sign)
            state.looks.setdefault(place, []).append(look.text)
            newer = {**state.gallery.texts, place: GalleryText(look.scale, look.text)}
            state.gallery, state.prompt = replace(state.gallery, texts=newer), prompts[look.prompt]


def write(frame: Frame, tab: DiscoverTab, visitor: Visitor, prompt: str) -> Iterator[Updates]:
    """Write the gallery of the computed set on a prompt, then read its words; yields updates as texts come."""
    state, vector_set = DiscoverState.of(visitor), visitor.computed
    assert state.format is not None  # the run has set it
    request = GalleryRequest(prompt=prompt, format=state.format, tokens=TOKENS)
    job = frame.start(
        visitor,
        "writing the gallery",
        lambda model, context: write_gallery(model, vector_set, request, context.emit, context.cancelled),
    )
    state.prompt = prompt
    for batch in follow(job, every(vector_set)):
        if not _still(visitor, vector_set):
            return
        updates: Updates = {frame.status: frame.status_now(visitor)}
        progress = [event for event in batch if isinstance(event, Gallery)]
        if progress:
            state.gallery = progress[-1]
            updates[tab.gallery] = gallery_of(visitor)
        yield updates
    state.gallery = job.result()
    state.names = _names(state, vector_set)
    yield {tab.gallery: gallery_of(visitor), frame.status: frame.status_now(visitor)}
    if not state.gallery.cancelled:
        yield from _read_words(frame, tab, visitor, vector_set)


def _read_words(frame: Frame, tab: DiscoverTab, visitor: Visitor, vector_set: VectorSet) -> Iterator[Updates]:
    """Read the words of the computed set; yields updates. After a Stop there are none."""
    state = DiscoverState.of(visitor)
    try:
        for found in read_words(frame, visitor, vector_set):
            if not _still(visitor, vector_set):
                return
            updates: Updates = {frame.status: frame.status_now(visitor)}
            if found is not None:
                state.words = found
                updates[tab.gallery] = gallery_of(visitor)
            yield updates
    except Cancelled:
        return


def _still(visitor: Visitor, vector_set: VectorSet) -> bool:
    """Whether the visitor's computed set has these vectors; names and scales may have changed."""
    return torch.equal(visitor.computed.vectors, vector_set.vectors)


def _names(state: DiscoverState, vector_set: VectorSet) -> dict[int, str]:
    """Suggested names, from the texts of the gallery and those that the search for scales has written."""
    texts: dict[Signed, list[str]] = {
        place: [text.text, *state.looks.get(place, [])]
        for place, text in state.gallery.texts.items()
        if not text.noise
    }
    return suggest_names(texts, [state.gallery.baseline], " ".join(vector_set.origin.prompts))


def toggle_strip(frame: Frame, tab: DiscoverTab, visitor: Visitor, row: int) -> Iterator[Updates]:
    """Open the scale strip of a row and write its texts, or close it; yields updates. Raises PlaygroundError."""
    state, vector_set = DiscoverState.of(visitor), visitor.computed
    if state.strips.pop(row, None) is not None:
        yield {tab.gallery: gallery_of(visitor)}
        return
    if state.format is None:
        raise InputError("Expected a computed set, got none; press Compute first.")
    strip = strip_of(vector_set, row)
    request = strip.request(NOT_SAVED, row, state.prompt, state.format, Sampling(max_new_tokens=TOKENS))
    job = frame.start(
        visitor,
        "writing a scale strip",
        lambda model, context: generate(
            model, request, {NOT_SAVED: vector_set}.__getitem__, context.emit, context.cancelled
        ),
    )
    state.strips[row] = strip
    yield {tab.gallery: gallery_of(visitor)}
    for batch in follow(job, every(vector_set)):
        if row not in state.strips or not _still(visitor, vector_set):
            return  # closed, or another set was computed
        progress = [event for event in batch if isinstance(event, GenerateProgress)]
        updates: Updates = {frame.status: frame.status_now(visitor)}
        if progress:
            state.strips[row] = strip.written(progress[-1].texts)
            updates[tab.gallery] = gallery_of(visitor)
        yield updates
    state.strips[row] = strip.written(job.result().texts)
    yield {tab.gallery: gallery_of(visitor)}
