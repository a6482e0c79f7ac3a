"""The Library tab: the sets in vectors/, what each of them is, and everything that can be done to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import FileError, InputError, PlaygroundError
from playground.library import vector_set as files
from playground.library.vector_set import VectorSet, check_fits
from playground.ui import defaults, linearity_panel, markup, steer_open, tables
from playground.ui.found import keep_note, row_number, write_download
from playground.ui.frame import IN_TURN, Frame, acted, board
from playground.ui.linearity_panel import LinearityPanel
from playground.ui.mixer import MixRow
from playground.ui.running import EVENT, quick
from playground.ui.state import Visitor
from playground.ui.steer_layout import SteerTab
from playground.ui.steer_open import open_in_steer


@dataclass
class LibraryTab:
    sets: gr.HTML
    upload: gr.UploadButton
    undo: gr.Button
    notice: gr.HTML
    title: gr.HTML
    tools: gr.Column
    name: gr.Textbox
    description: gr.Textbox
    open: gr.Button
    rename: gr.Button
    delete: gr.Button
    download: gr.DownloadButton
    rows: gr.HTML
    details: gr.HTML
    linearity: LinearityPanel

    @property
    def selection(self) -> list[Any]:
        """What changes when another set is chosen."""
        return [
            self.sets,
            self.undo,
            self.title,
            self.tools,
            self.name,
            self.description,
            self.open,
            self.download,
            self.rows,
            self.details,
        ]


def build(frame: Frame, steer_tab: SteerTab) -> LibraryTab:
    """The list on the left, the chosen set on the right."""
    store, loaded = frame.workbench.store, frame.workbench.loaded
    entries = store.list()
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=6, min_width=330, elem_classes="sp-controls"):
            with gr.Column(elem_classes="sp-card"):
                gr.HTML('<div class="sp-cardhead"><h3>Sets</h3><small>files in the library’s folder</small></div>')
                sets = board(
                    tables.sets(entries, None, None if loaded is None else loaded.name), elem_id="library-sets"
                )
            with gr.Row(elem_classes="sp-actions"):
                open_button = gr.Button(
                    "Open in Steer", variant="primary", elem_id="library-open", min_width=130, interactive=False
                )
                upload = gr.UploadButton(
                    "Upload .safetensors", elem_id="library-upload", file_types=[".safetensors"], min_width=160, scale=0
                )
                undo = gr.Button("Undo delete", elem_id="library-undo", visible=False, min_width=110, scale=0)
            notice = gr.HTML("", elem_id="library-notice")
        with gr.Column(scale=7, min_width=330), gr.Column(elem_classes="sp-card"):
            title = gr.HTML(markup.empty(tables.CHOOSE if entries else tables.NO_SETS), elem_id="library-title")
            with gr.Column(visible=False, elem_id="library-tools") as tools:
                with gr.Row(elem_classes="sp-tight sp-saverow"):
                    name = gr.Textbox(
                        label="Name",
                        info="also the name of its file",
                        elem_id="library-name",
                        max_lines=1,
                        scale=4,
                        min_width=170,
                    )
                    rename = gr.Button("Rename", elem_id="library-rename", min_width=80, scale=0)
                    download = gr.DownloadButton("Download", elem_id="library-download", min_width=95, scale=0)
                    delete = gr.Button("Delete", elem_id="library-delete", min_width=80, scale=0)
                description = gr.Textbox(
                    label="Description",
                    info="what it is good for; kept in the file",
                    elem_id="library-description",
                    max_lines=3,
                )
                measured = linearity_panel.build("library")
                rows = board("", elem_id="library-rows")
                with gr.Accordion("Where it comes from", open=True, elem_id="library-origin"):
                    details = gr.HTML("", elem_id="library-details")
    tab = LibraryTab(
        sets, upload, undo, notice, title, tools, name, description, open_button, rename, delete, download, rows,
        details, measured,
    )
    _wire(frame, tab, steer_tab)
    return tab


def updates(frame: Frame, tab: LibraryTab, visitor: Visitor, again: bool = True) -> dict[Any, Any]:
    """The list, and the chosen set if it is still there. Without `again`, a set that is shown as it is now is left
    alone, so that what somebody is typing into it stays.
    """
    store, loaded = frame.workbench.store, frame.workbench.loaded
    entries = store.list()
    if visitor.selected not in [entry.name for entry in entries if entry.problem is None]:
        visitor.select(None)
    version = _version(frame, visitor.selected)
    shown: dict[Any, Any] = {
        tab.sets: tables.sets(entries, visitor.selected, loaded.name if loaded is not None else None),
        tab.undo: gr.update(visible=bool(visitor.undo)),
    }
    if not again and version == visitor.selected_shown:
        return shown
    visitor.selected_shown = version
    if visitor.selected is None:
        return shown | {
            tab.title: markup.empty(tables.CHOOSE if entries else tables.NO_SETS),
            tab.tools: gr.update(visible=False),
            tab.open: gr.update(interactive=False),
            tab.rows: "",
            tab.details: "",
            tab.name: "",
            tab.description: "",
        }
    vector_set = store.load(visitor.selected)
    warning, fits = _fits(frame, vector_set)
    return shown | {
        tab.title: f'<div class="sp-cardhead"><h3>{markup.escape(vector_set.name)}</h3></div>',
        tab.tools: gr.update(visible=True),
        tab.open: gr.update(interactive=fits),
        tab.name: vector_set.name,
        tab.description: vector_set.description,
        tab.download: gr.update(value=write_download(visitor, vector_set)),
        tab.rows: tables.rows(vector_set, visitor.first_row),
        tab.details: tables.details(vector_set, warning),
    }


def _wire(frame: Frame, tab: LibraryTab, steer_tab: SteerTab) -> None:
    def changing(function: Callable[..., str]) -> Callable[..., dict[Any, Any]]:
        """A handler that changes the library: what it returns is said, and every tab notices."""

        @quick
        def handler(request: gr.Request, *values: Any) -> dict[Any, Any]:
            visitor = frame.visitor(request)
            said = function(visitor, *values)
            return {
                tab.notice: markup.notice(said, "info"),
                frame.library_seen: frame.library_token(visitor),
                **updates(frame, tab, visitor),
            }

        return handler

    changed = [tab.notice, frame.library_seen, *tab.selection]

    @quick
    def on_open(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        visitor, said = frame.visitor(request), acted(event)
        if said.get("name") not in frame.workbench.store.names():
            raise FileError("Expected a set of the library, got one that is not there any more; choose another.")
        visitor.select(said["name"])
        return {tab.notice: "", **updates(frame, tab, visitor)}

    tab.sets.act(on_open, None, [tab.notice, *tab.selection], **EVENT)

    def rename(visitor: Visitor, name: str) -> str:
        old, new = _selected(visitor), (name or "").strip()
        frame.workbench.store.rename(old, new)
        visitor.selected = new
        if visitor.saved_as == old:
            visitor.saved_as = new
        return f"Renamed {old} to {new}."

    gr.on([tab.rename.click, tab.name.submit], changing(rename), tab.name, changed, **EVENT)

    def describe(visitor: Visitor, text: str) -> str:
        frame.workbench.store.describe(_selected(visitor), (text or "").strip())
        return "The description is kept in the file."

    tab.description.submit(changing(describe), tab.description, changed, **EVENT)

    def delete(visitor: Visitor) -> str:
        name = _selected(visitor)
        visitor.undo.append(frame.workbench.store.delete(name))
        visitor.select(None)
        return f"Deleted {name}; Undo delete brings it back."

    tab.delete.click(changing(delete), None, changed, **EVENT)

    def undo(visitor: Visitor) -> str:
        if not visitor.undo:
            raise InputError("Expected something that was deleted in this tab, got nothing; delete a set first.")
        visitor.select(frame.workbench.store.undo_delete(visitor.undo.pop()))
        return f"Brought back {visitor.selected}."

    tab.undo.click(changing(undo), None, changed, **EVENT)

    def take_in(visitor: Visitor, path: str | None) -> str:
        if not path:
            raise FileError("Expected a .safetensors file, got none; choose one.")
        source, store = Path(path), frame.workbench.store
        vector_set = files.load(source)
        name = store.free_name(source.stem)
        store.save(replace(vector_set, name=name), name)
        visitor.select(name)
        return f"Took in {name} with {vector_set.rows} vectors."

    tab.upload.upload(changing(take_in), tab.upload, changed, **EVENT)

    def measured(
        visitor: Visitor, begun: VectorSet, change: Callable[[VectorSet], VectorSet]
    ) -> dict[Any, Any]:
        name = begun.name
        vector_set = frame.workbench.store.change(name, change)
        if name != visitor.selected:
            return {}
        visitor.selected_shown = _version(frame, name)
        return {
            tab.rows: tables.rows(vector_set, visitor.first_row),
            tab.download: gr.update(value=write_download(visitor, vector_set)),
        }

    linearity_panel.wire(
        frame,
        tab.linearity,
        lambda visitor: frame.load_set(visitor)(_selected(visitor)),
        measured,
        [tab.rows, tab.download],
        _selected,
    )

    @quick
    def on_row(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        visitor, said = frame.visitor(request), acted(event)
        name = _selected(visitor)
        vector_set = frame.workbench.store.load(name)
        row = row_number(said, vector_set.rows)
        if said.get("act") == "page":
            visitor.first_row = row
            return {tab.rows: tables.rows(vector_set, row)}
        if said.get("act") == "steer":
            return _steer_with(frame, steer_tab, visitor, name, row)
        now = keep_note(frame, visitor, name, row, said)
        visitor.selected_shown = _version(frame, name)  # the row shows it already
        loaded = frame.workbench.loaded
        return {
            frame.library_seen: frame.library_token(visitor),
            tab.download: gr.update(value=write_download(visitor, now)),
            tab.sets: tables.sets(frame.workbench.store.list(), name, loaded.name if loaded is not None else None),
        }

    to_steer = [tab.rows, frame.library_seen, tab.download, tab.sets, *steer_open.outputs(frame, steer_tab)]
    tab.rows.act(on_row, None, to_steer, **EVENT, **IN_TURN)

    @quick
    def on_steer(request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        name = _selected(visitor)
        return _steer_with(frame, steer_tab, visitor, name, defaults.best_row(frame.workbench.store.load(name)))

    tab.open.click(on_steer, None, to_steer, **EVENT)


def _steer_with(frame: Frame, steer_tab: SteerTab, visitor: Visitor, name: str, row: int) -> dict[Any, Any]:
    vector_set = frame.load_set(visitor)(name)  # refuses a set of another width with its sentence
    mix = [MixRow(name, str(row), scale=defaults.usual_scale(vector_set, row))]
    return open_in_steer(frame, steer_tab, visitor, mix)


def _fits(frame: Frame, vector_set: VectorSet) -> tuple[str | None, bool]:
    """(what to warn of, whether it can be added to the loaded model)."""
    loaded = frame.workbench.loaded
    if loaded is None:
        return None, False
    try:
        return check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name), True
    except PlaygroundError as error:
        return str(error), False


def _version(frame: Frame, name: str | None) -> str:
    """Changes whenever this set does, and the model it is compared with."""
    try:
        changed = (Path(frame.workbench.store.folder) / f"{name}.safetensors").stat().st_mtime_ns if name else 0
    except OSError:  # deleted in between
        changed = 0
    return f"{frame.workbench.generation} {name} {changed}"


def _selected(visitor: Visitor) -> str:
    if visitor.selected is None:
        raise FileError("Expected a chosen set, got none; choose one in the list first.")
    return visitor.selected
