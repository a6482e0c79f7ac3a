"""First texts and words of the chosen cell, read as soon as it is clicked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.errors import Cancelled
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.gallery import Gallery, GalleryRequest, write_gallery
from playground.services.jobs import JobContext
from playground.services.set_prompts import format_of
from playground.services.words import SetWords, WordsRequest, words
from playground.ui.atlas import cell as cell_panel
from playground.ui.atlas.layout import AtlasTab
from playground.ui.atlas.state import AtlasState, CellTexts
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import follow
from playground.ui.kit.visitor import Visitor

TOKENS = 24
"""Of a first text: enough to see what it is about; the gallery has longer ones, at found scales."""


def read(frame: Frame, tab: AtlasTab, visitor: Visitor, scale: float) -> Iterator[dict[Any, Any]]:
    """Texts of the chosen cell's vectors in both signs at a relative scale, on the atlas's first prompt, then their
    words; yields updates. Nothing for a cell that was read at this scale, without a cell, or where the atlas is of
    another model. The next click ends it. Raises PlaygroundError.
    """
    state = AtlasState.of(visitor)
    atlas, pair = state.atlas, state.cell
    if state.reading is not None:
        state.reading.cancel()
        state.reading = None
    if atlas is None or pair is None or atlas.origin.fingerprint != frame.loaded.fingerprint:
        return
    known = state.texts.get(pair)
    if known is not None and known.scale == scale and known.words is not None:
        return
    vectors, texts = atlas.vector_set(pair), state.texts
    prompt = atlas.origin.prompts[0]
    job = frame.start(visitor, "reading a cell", lambda model, context: _work(model, vectors, scale, context))
    state.reading = job

    def shown(gallery: Gallery, found: SetWords | None = None) -> dict[Any, Any]:
        texts[pair] = CellTexts(prompt, scale, gallery, found)
        return {tab.cell: cell_panel.cell_html(state, pair), frame.status: frame.status_now(visitor)}

    for batch in follow(job):
        if state.texts is not texts or state.cell != pair:
            return  # another cell or atlas is shown; leaving the events ends the job
        galleries = [event for event in batch if isinstance(event, Gallery)]
        yield shown(galleries[-1]) if galleries else {frame.status: frame.status_now(visitor)}
    if state.reading is job:
        state.reading = None
        try:
            yield shown(*job.result())
        except Cancelled:
            return  # by Stop: what is written stays


def _work(model: LoadedModel, vectors: VectorSet, scale: float, context: JobContext) -> tuple[Gallery, SetWords]:
    request = GalleryRequest(
        prompt=vectors.origin.prompts[0], format=format_of(vectors.origin), tokens=TOKENS, scale=scale
    )
    gallery = write_gallery(model, vectors, request, context.emit, context.cancelled)
    if gallery.cancelled:
        raise Cancelled
    return gallery, words(model, WordsRequest(source_set=vectors), cancelled=context.cancelled)
