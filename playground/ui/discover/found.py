"""Event handlers for computed vectors: name, star, discard, scale strip, save, download, steer, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import torch

from playground.errors import InputError, PlaygroundError
from playground.library.vector_set import VectorSet
from playground.services.changed import first_difference
from playground.ui.discover.gallery import gallery_of, toggle_strip
from playground.ui.discover.state import DiscoverState
from playground.ui.kit import defaults, markup
from playground.ui.kit.downloads import download
from playground.ui.kit.frame import IN_TURN, Frame, acted
from playground.ui.kit.mix import MixRow
from playground.ui.kit.notes import found_name, keep_note, row_number
from playground.ui.kit.running import EVENT, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import linearity_panel

if TYPE_CHECKING:
    from playground.ui.discover.layout import DiscoverTab


def wire(frame: Frame, tab: DiscoverTab) -> None:
    """Attach the event handlers."""

    def changed(
        visitor: Visitor, begun: VectorSet, change: Callable[[VectorSet], VectorSet]
    ) -> dict[Any, Any]:
        """Apply a change to the computed set and to its library file, if it has one. Raises InputError when another set
        has been computed since `begun`.
        """
        if not torch.equal(visitor.computed.vectors, begun.vectors):
            raise InputError(
                "Expected the set that was measured, got one that was computed meanwhile; choose it in the Library and "
                "measure there, if it is saved."
            )
        visitor.found = change(visitor.computed)
        visitor.found_number += 1
        saved = visitor.saved_as
        if saved is not None and saved in frame.store(visitor).names():
            frame.store(visitor).change(saved, change)
        return {tab.download: download(visitor, visitor.computed)}

    linearity_panel.wire(
        frame, tab.linearity, lambda visitor: visitor.computed, changed, [tab.download],
        lambda visitor: visitor.saved_as,
    )

    @quick
    def on_save(name: str, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        name = (name or "").strip()
        try:
            vector_set = visitor.computed
            frame.store(visitor).save(vector_set, name)
        except PlaygroundError as error:
            return {tab.save_notice: markup.notice(str(error))}
        visitor.saved_as = name
        visitor.found = replace(vector_set, name=name)
        return {
            tab.save_notice: markup.notice(f"Saved as {name}: it is in Steer's pickers and in the Library.", "info"),
            frame.library_seen: frame.library_token(visitor),
        }

    gr.on(
        [tab.save.click, tab.name.submit],
        on_save,
        tab.name,
        [tab.save_notice, frame.library_seen],
        **EVENT,
    )

    @quick
    def on_act(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        visitor, data = frame.visitor(request), acted(event)
        vector_set = visitor.computed
        row, act = row_number(data, vector_set.rows), data.get("act")
        if act == "strip":  # on_strip below
            return {frame.library_seen: gr.skip()}
        if act == "steer":
            return _steer_with(frame, visitor, row, data)
        keep_note(frame, visitor, found_name(frame, visitor), row, data)
        if act == "discard":
            DiscoverState.of(visitor).discarded = row if data.get("value") == "true" else None
        shown = {} if act == "star" else {tab.gallery: gallery_of(visitor)}
        return shown | {
            frame.library_seen: frame.library_token(visitor),
            tab.download: download(visitor, visitor.computed),
        }

    tab.gallery.act(
        on_act,
        None,
        [tab.gallery, frame.library_seen, tab.download, *frame.steer_outputs],
        **EVENT,
        **IN_TURN,
    )

    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_strip(event: gr.EventData, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor, data = frame.visitor(request), acted(event)
        if data.get("act") == "strip":
            yield from toggle_strip(frame, tab, visitor, row_number(data, visitor.computed.rows))

    tab.gallery.act(on_strip, None, [tab.gallery, tab.notice, frame.status], trigger_mode="multiple", **EVENT)


def _steer_with(frame: Frame, visitor: Visitor, row: int, data: dict[str, str]) -> dict[Any, Any]:
    """Open Steer with a vector, and with the scale and prompt of its text in the gallery (`sign` in the data of the
    event) or of a cell of its strip (`multiple`); returns the updates.
    """
    state, vector_set = DiscoverState.of(visitor), visitor.computed
    residual, sign = vector_set.origin.residual_norm, -1 if data.get("sign") == "-1" else 1
    scale, text = defaults.usual_scale(vector_set, row, sign), ""
    written, strip = state.gallery.texts.get((row, sign)), state.strips.get(row)
    if "multiple" in data:
        cell = None if strip is None else strip.at(data["multiple"])
        if cell is None:
            raise InputError("Expected a cell of an open strip, got another one; open the strip again.")
        scale, text = float(f"{cell.norm / residual:.8g}"), cell.text or ""
    elif written is not None:
        scale, text = sign * float(f"{written.scale / residual:.8g}"), written.text
    mix = [MixRow(found_name(frame, visitor), str(row), scale=scale)]
    seen: dict[str, Any] = {}
    if state.format is not None:
        seen = {"prompt": state.prompt, "format": state.format}
        seen["answers"] = first_difference(text, state.gallery.baseline)
    return frame.open_in_steer(visitor, mix, **seen)
