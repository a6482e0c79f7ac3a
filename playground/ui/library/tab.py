"""Event handlers of the Library tab, and its updates after another model or library change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import FileError, InputError, PlaygroundError
from playground.library import vector_set as files
from playground.library.exchange import is_set, read_directions
from playground.library.lens import Lens, read_lens
from playground.library.store import Store
from playground.library.vector_set import VectorSet, check_fits
from playground.ui.kit import defaults, markup
from playground.ui.kit.downloads import download
from playground.ui.kit.frame import IN_TURN, Frame, acted
from playground.ui.kit.mix import MixRow
from playground.ui.kit.notes import keep_note, row_number
from playground.ui.kit.running import EVENT, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.library import band_panel, export, incoming, tables
from playground.ui.library.layout import LibraryTab, outputs
from playground.ui.library.state import Incoming, LibraryState
from playground.ui.widgets import linearity_panel
from playground.ui.widgets.words import read_words


def model_updates(frame: Frame, tab: LibraryTab, visitor: Visitor, again: bool = True) -> dict[Any, Any]:
    """Updates of the list, and of the chosen set if it is still there. Without `again`, a set that is shown in its
    present version is left alone, so that text being typed into its fields stays.
    """
    state = LibraryState.of(visitor)
    store, loaded = frame.store(visitor), frame.workbench.loaded
    entries = store.list()
    if state.selected not in [entry.name for entry in entries if entry.problem is None]:
        state.select(None)
    version = _version(frame, visitor, state.selected)
    shown: dict[Any, Any] = {
        tab.sets: tables.sets(entries, state.selected, loaded.name if loaded is not None else None),
        tab.undo: gr.update(visible=bool(store.undoable), value=_undo_label(store)),
    }
    if state.selected is None:
        shown[tab.title] = markup.empty(tables.CHOOSE if entries else tables.NO_SETS)
    if not again and version == state.selected_shown:
        return shown
    state.selected_shown = version
    if state.selected is None:
        return shown | {
            tab.tools: gr.update(visible=False),
            tab.open: gr.update(interactive=False),
            tab.rows: "",
            tab.details: "",
            tab.name: "",
            tab.description: "",
        }
    vector_set = store.load(state.selected)
    warning, fits = _fits(frame, vector_set)
    return shown | {
        tab.title: f'<div class="sp-cardhead"><h2>{markup.escape(vector_set.name)}</h2></div>',
        tab.tools: gr.update(visible=True),
        tab.open: gr.update(interactive=fits),
        tab.name: vector_set.name,
        tab.description: vector_set.description,
        tab.download: download(visitor, vector_set),
        tab.words: gr.update(interactive=fits and bool(vector_set.origin.prompts)),
        tab.lens: gr.update(interactive=fits and bool(vector_set.origin.prompts)),
        tab.rows: _rows(frame, state, vector_set),
        tab.details: tables.details(vector_set, warning),
        **tab.export.offered(vector_set),
        **tab.band.shown(frame, visitor, vector_set, fits),
    }


def library_updates(
    frame: Frame, tab: LibraryTab, visitor: Visitor, values: Sequence[Any]
) -> dict[Any, Any]:
    """Updates of the list after a library change, and of the chosen set where it has changed."""
    return model_updates(frame, tab, visitor, again=False)


def wire(frame: Frame, tab: LibraryTab) -> None:
    def changing(function: Callable[..., str]) -> Callable[..., dict[Any, Any]]:
        """A handler that changes the library: shows the sentence that `function` returns, and updates every tab."""

        @quick
        def handler(request: gr.Request, *values: Any) -> dict[Any, Any]:
            visitor = frame.visitor(request)
            sentence = function(visitor, *values)
            return {
                tab.notice: markup.notice(sentence, "info"),
                frame.library_seen: frame.library_token(visitor),
                **model_updates(frame, tab, visitor),
            }

        return handler

    changed = [tab.notice, frame.library_seen, *outputs(tab)]

    @quick
    def on_open(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        visitor, action = frame.visitor(request), acted(event)
        if action.get("name") not in frame.store(visitor).names():
            raise FileError("Expected a set of the library, got one that is not there any more; choose another.")
        LibraryState.of(visitor).select(action["name"])
        return {tab.notice: "", **model_updates(frame, tab, visitor)}

    tab.sets.act(on_open, None, [tab.notice, *outputs(tab)], **EVENT)

    def rename(visitor: Visitor, name: str) -> str:
        old, new = _selected(visitor), (name or "").strip()
        frame.store(visitor).rename(old, new)
        LibraryState.of(visitor).selected = new
        if visitor.saved_as == old:
            visitor.saved_as = new
        return f"Renamed {old} to {new}."

    gr.on([tab.rename.click, tab.name.submit], changing(rename), tab.name, changed, **EVENT)

    def describe(visitor: Visitor, text: str) -> str:
        frame.store(visitor).describe(_selected(visitor), (text or "").strip())
        return "The description is kept in the file."

    tab.description.submit(changing(describe), tab.description, changed, **EVENT)

    def delete(visitor: Visitor) -> str:
        name = _selected(visitor)
        frame.store(visitor).delete(name)
        LibraryState.of(visitor).select(None)
        return f"Deleted {name}; Undo brings it back."

    tab.delete.click(changing(delete), None, changed, **EVENT)

    def undo(visitor: Visitor) -> str:
        name = frame.store(visitor).undo()
        LibraryState.of(visitor).select(name)
        return f"Brought back {name}."

    tab.undo.click(changing(undo), None, changed, **EVENT)

    @quick
    def on_upload(path: str | None, request: gr.Request) -> dict[Any, Any]:
        if not path:
            raise FileError("Expected a file of vectors, got none; choose one.")
        visitor, source = frame.visitor(request), Path(path)
        state, store = LibraryState.of(visitor), frame.store(visitor)
        if not is_set(source):
            state.incoming = Incoming(source.name, read_directions(source))
            return {tab.notice: "", **tab.incoming.shown(source.name, state.incoming.directions)}
        vector_set = files.load(source)
        name = store.free_name(source.stem)
        store.save(replace(vector_set, name=name), name)
        state.select(name)
        state.incoming = None
        return {
            tab.notice: markup.notice(f"Took in {name} with {vector_set.rows} vectors.", "info"),
            frame.library_seen: frame.library_token(visitor),
            **tab.incoming.hidden(),
            **model_updates(frame, tab, visitor),
        }

    tab.upload.upload(on_upload, tab.upload, [*changed, *tab.incoming.outputs], **EVENT)
    incoming.wire(frame, tab.incoming, tab.notice, partial(model_updates, frame, tab), outputs(tab))
    export.wire(frame, tab.export, _selected)

    def measured(
        visitor: Visitor, begun: VectorSet, change: Callable[[VectorSet], VectorSet]
    ) -> dict[Any, Any]:
        state = LibraryState.of(visitor)
        name = begun.name
        vector_set = frame.store(visitor).change(name, change)
        if name != state.selected:
            return {}
        state.selected_shown = _version(frame, visitor, name)
        return {
            tab.rows: _rows(frame, state, vector_set),
            tab.download: download(visitor, vector_set),
        }

    linearity_panel.wire(
        frame,
        tab.linearity,
        lambda visitor: frame.load_set(visitor)(_selected(visitor)),
        measured,
        [tab.rows, tab.download],
        _selected,
    )

    def searched(visitor: Visitor) -> VectorSet:
        return frame.load_set(visitor)(_selected(visitor))

    band_panel.wire(frame, tab.band, searched)

    def read(visitor: Visitor, lens: Lens | None) -> Iterator[dict[Any, Any]]:
        state, name = LibraryState.of(visitor), _selected(visitor)
        vector_set, generation = frame.load_set(visitor)(name), frame.workbench.generation
        page = min(max(state.first_row, 0), vector_set.rows - 1) // tables.PAGE * tables.PAGE
        for found in read_words(frame, visitor, vector_set, page, lens):
            if state.selected != name:
                return  # another set is shown
            updates: dict[Any, Any] = {frame.status: frame.status_now(visitor)}
            if found is not None:
                state.words, state.words_model = found, generation
                updates[tab.rows] = _rows(frame, state, frame.store(visitor).load(name))
            yield updates

    @long(lambda: tab.words_notice, lambda: {frame.status: frame.status_now()})
    def on_words(request: gr.Request) -> Iterator[dict[Any, Any]]:
        yield from read(frame.visitor(request), None)

    @long(lambda: tab.words_notice, lambda: {frame.status: frame.status_now()})
    def on_lens(path: str | None, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        if frame.workbench.public:
            raise InputError("Expected a lens on a page of your own, got one on a public page; run the playground.")
        if not path:
            raise FileError("Expected a Jacobian lens, got none; choose a .pt file.")
        yield from read(visitor, read_lens(path))

    written = [tab.words_notice, tab.rows, frame.status]
    tab.words.click(on_words, None, written, trigger_mode="once", **EVENT)
    tab.lens.upload(on_lens, tab.lens, written, trigger_mode="once", **EVENT)

    @quick
    def on_row(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        visitor, action = frame.visitor(request), acted(event)
        state = LibraryState.of(visitor)
        name = _selected(visitor)
        vector_set = frame.store(visitor).load(name)
        row = row_number(action, vector_set.rows)
        if action.get("act") == "page":
            state.first_row = row
            return {tab.rows: _rows(frame, state, vector_set)}
        if action.get("act") == "steer":
            return _steer_with(frame, visitor, name, row)
        now = keep_note(frame, visitor, name, row, action)
        state.selected_shown = _version(frame, visitor, name)  # the browser shows it already
        loaded = frame.workbench.loaded
        return {
            frame.library_seen: frame.library_token(visitor),
            tab.download: download(visitor, now),
            tab.sets: tables.sets(frame.store(visitor).list(), name, loaded.name if loaded is not None else None),
        }

    to_steer = [tab.rows, frame.library_seen, tab.download, tab.sets, *frame.steer_outputs]
    tab.rows.act(on_row, None, to_steer, **EVENT, **IN_TURN)

    @quick
    def on_steer(request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        name = _selected(visitor)
        return _steer_with(frame, visitor, name, defaults.best_row(frame.store(visitor).load(name)))

    tab.open.click(on_steer, None, to_steer, **EVENT)


def _steer_with(frame: Frame, visitor: Visitor, name: str, row: int) -> dict[Any, Any]:
    vector_set = frame.load_set(visitor)(name)  # refuses a set of another width with its sentence
    mix = [MixRow(name, str(row), scale=defaults.usual_scale(vector_set, row))]
    return frame.open_in_steer(visitor, mix)


def _rows(frame: Frame, state: LibraryState, vector_set: VectorSet) -> str:
    """The page of vectors that is shown, with their words if they were read on the loaded model."""
    current = state.words_model == frame.workbench.generation
    return tables.rows(vector_set, state.first_row, state.words if current else None)


def _fits(frame: Frame, vector_set: VectorSet) -> tuple[str | None, bool]:
    """A warning or None, and whether the set can be added to the loaded model."""
    loaded = frame.workbench.loaded
    if loaded is None:
        return None, False
    try:
        return check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name), True
    except PlaygroundError as error:
        return str(error), False


def _undo_label(store: Store) -> str:
    """What Undo takes back next: the last change of all who share the library."""
    if not store.undoable:
        return "Undo"
    last = store.undoable[-1]
    return f"Undo: delete {last.name}" if last.token else f"Undo: rename {last.name} to {last.now}"


def _version(frame: Frame, visitor: Visitor, name: str | None) -> str:
    """A text that changes whenever this set or the loaded model does."""
    changed = frame.store(visitor).stamp(name) if name else 0
    return f"{frame.workbench.generation} {name} {changed}"


def _selected(visitor: Visitor) -> str:
    """The name of the chosen set. Raises FileError when none is chosen."""
    state = LibraryState.of(visitor)
    if state.selected is None:
        raise FileError("Expected a chosen set, got none; choose one in the list first.")
    return state.selected
