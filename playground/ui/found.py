"""Actions on vectors that were just computed: name, star, save, download, steer."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import torch

from playground.errors import FileError, InputError, PlaygroundError
from playground.library import vector_set as files
from playground.library.vector_set import RowNote, VectorSet
from playground.ui import defaults, linearity_panel, markup, steer_open
from playground.ui.frame import IN_TURN, NOT_SAVED, Frame, acted
from playground.ui.mixer import MixRow
from playground.ui.running import EVENT, quick
from playground.ui.state import Visitor
from playground.ui.steer_layout import SteerTab
from playground.ui.steer_open import open_in_steer

if TYPE_CHECKING:
    from playground.ui.discover.layout import DiscoverTab

_FOLDER = tempfile.TemporaryDirectory(prefix="playground-downloads-")
"""Where a set is written before Gradio takes it into its own cache; gone when the process ends."""


def download_file(visitor: Visitor) -> str:
    """A file of what was computed, for the download button."""
    return write_download(visitor, visitor.found)


def write_download(visitor: Visitor, vector_set: VectorSet) -> str:
    """A file of a set in this visitor's own download folder."""
    path = download_path(visitor, f"{vector_set.name or 'vectors'}.safetensors")
    files.save(vector_set, path)
    return str(path)


def download_path(visitor: Visitor, name: str) -> Path:
    """Where a file of this name is written for this visitor to download."""
    # A session is what a browser says it is: hashed, it can name no other folder.
    folder = Path(_FOLDER.name) / hashlib.sha256(visitor.session.encode(errors="replace")).hexdigest()
    folder.mkdir(exist_ok=True)
    return folder / name


def keep_note(frame: Frame, visitor: Visitor, name: str, row: int, said: dict[str, str]) -> VectorSet:
    """Changes the note of a row as an `act` event says, wherever the set is kept: in its file, and in what was
    computed. Returns the set as it is now, unchanged by what was said before something that is known already. Raises
    PlaygroundError.
    """
    number = said.get("word", "")
    if number.isdecimal() and not visitor.noted.takes((name, row, said.get("act")), int(number)):
        return frame.any_set(visitor, name)
    note = changed_note(frame.any_set(visitor, name).notes[row], said)
    computed = visitor.found is not None and name in (NOT_SAVED, visitor.saved_as)
    if computed:
        visitor.found = visitor.found.with_note(row, note)
        visitor.found_number += 1
    return visitor.found if name == NOT_SAVED else frame.workbench.store.annotate(name, row, note)


def changed_note(note: RowNote, said: dict[str, str]) -> RowNote:
    """A row's note after an `act` event: star, label, note or discard. Raises InputError for another action."""
    value = said.get("value", "")
    if said.get("act") == "star":
        return replace(note, star=value == "true")
    if said.get("act") == "label":
        return replace(note, label=value.strip())
    if said.get("act") == "note":
        return replace(note, note=value.strip())
    if said.get("act") == "discard":
        return replace(note, discarded=value == "true")
    raise InputError(f"Expected a star, label, note or discard, got “{said.get('act')}”; use the controls of the row.")


def row_number(said: dict[str, str], rows: int) -> int:
    """The row an `act` event is about. Raises InputError when there is no such row."""
    text = said.get("row", "")
    if not text.isdecimal() or int(text) >= rows:
        raise InputError(f"Expected a row from 0 to {rows - 1}, got “{text}”; choose one of the list.")
    return int(text)


def wire(frame: Frame, tab: DiscoverTab, steer_tab: SteerTab) -> None:
    def changed(
        visitor: Visitor, begun: VectorSet, change: Callable[[VectorSet], VectorSet]
    ) -> dict[Any, Any]:
        """What was measured goes into the set that was computed, and into its file when it is saved."""
        if not torch.equal(_found(visitor).vectors, begun.vectors):
            raise InputError(
                "Expected the set that was measured, got one that was computed meanwhile; choose it in the Library and "
                "measure there, if it is saved."
            )
        visitor.found = change(_found(visitor))
        visitor.found_number += 1
        saved = visitor.saved_as
        if saved is not None and saved in frame.workbench.store.names():
            frame.workbench.store.change(saved, change)
        return {tab.download: gr.update(value=download_file(visitor), interactive=True)}

    linearity_panel.wire(frame, tab.linearity, _found, changed, [tab.download], lambda visitor: visitor.saved_as)

    @quick
    def on_save(name: str, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        name = (name or "").strip()
        try:
            vector_set = _found(visitor)
            frame.workbench.store.save(vector_set, name)
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
        visitor, said = frame.visitor(request), acted(event)
        vector_set = _found(visitor)
        row = row_number(said, vector_set.rows)
        if said.get("act") == "steer":
            return _steer_with(frame, steer_tab, visitor, row, -1 if said.get("sign") == "-1" else 1)
        keep_note(frame, visitor, found_name(frame, visitor), row, said)
        return {
            frame.library_seen: frame.library_token(visitor),
            tab.download: gr.update(value=download_file(visitor), interactive=True),
        }

    tab.look_table.act(
        on_act,
        None,
        [frame.library_seen, tab.download, *steer_open.outputs(frame, steer_tab)],
        **EVENT,
        **IN_TURN,
    )


def _steer_with(frame: Frame, steer_tab: SteerTab, visitor: Visitor, row: int, sign: int) -> dict[Any, Any]:
    """Show in Steer what the first look showed: the same vector, sign, scale and prompt."""
    norm, residual = visitor.look_scales.get((row, sign)), visitor.found.origin.residual_norm
    scale = defaults.usual_scale(visitor.found, row, sign) if norm is None else sign * float(f"{norm / residual:.8g}")
    mix = [MixRow(found_name(frame, visitor), str(row), scale=scale)]
    seen: dict[str, Any] = {}
    if visitor.look_format is not None:
        text = visitor.looks.get((row, sign), "")
        seen = {"prompt": visitor.look_prompt, "format": visitor.look_format}
        seen["answers"] = steer_open.answers_of(text, visitor.look_baseline)
    return open_in_steer(frame, steer_tab, visitor, mix, **seen)


def found_name(frame: Frame, visitor: Visitor) -> str:
    """The name under which what was computed stands in pickers: that of its file, once it is saved."""
    saved = visitor.saved_as
    return saved if saved is not None and saved in frame.workbench.store.names() else NOT_SAVED


def _found(visitor: Visitor) -> VectorSet:
    if visitor.found is None:
        raise FileError("Expected computed vectors, got none; press Compute first.")
    return visitor.found
