"""Kept measurements: save, download, open, draw beside another, delete with undo."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from playground.analyses.common.document import from_document
from playground.analyses.common.measurements import SUFFIX, read, to_bytes
from playground.analyses.common.result import Measurement
from playground.errors import InputError, PlaygroundError
from playground.library.atomic import write_atomically
from playground.library.prompts import built_in
from playground.services.bundle import part_of
from playground.services.bundle.part import Part
from playground.services.command import measure_command
from playground.ui.kit import markup
from playground.ui.kit.downloads import offer
from playground.ui.kit.frame import NOT_SAVED, Frame, acted
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import layout, leaderboard, tables, view
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.current import drawn, look_at, shown
from playground.ui.measure.state import MeasureState, drawable
from playground.ui.widgets import page_file

Updates = dict[Any, Any]


def outputs(tab: MeasureTab) -> list[Any]:
    """The components that `listed` writes to."""
    return [tab.saved, tab.undo, tab.against]


def listed(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """Updates of the list of kept measurements, and of the choices to draw beside the one that is shown."""
    entries = frame.measurements(visitor).list()
    return {
        tab.saved: tables.kept(entries) if entries else markup.empty(layout.WAIT_SAVED),
        tab.undo: gr.update(visible=bool(frame.measurements(visitor).undoable)),
        tab.against: gr.update(**_beside(frame, visitor)),
    }


NOTHING = "nothing"


def _beside(frame: Frame, visitor: Visitor) -> dict[str, Any]:
    """The choices to draw beside the measurement that is shown: kept ones of the same kind, items and model."""
    result = MeasureState.of(visitor).result
    if result is None:
        return {"choices": [NOTHING]}
    same = (result.analysis.name, result.fingerprint, result.request.asked.hash)
    there = frame.measurements(visitor).list()
    names = [each.name for each in there if (each.kind, each.fingerprint, each.asked_hash) == same]
    return {"choices": [NOTHING, *names]}


def offered(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """A name, a download and the command for the measurement that is shown."""
    state = MeasureState.of(visitor)
    result = state.result
    assert result is not None, "nothing is shown"
    source = result.request.sources[0] if len(result.request.sources) == 1 else "sets"
    name = frame.measurements(visitor).free_name(f"{result.request.asked.name}-{source}".replace(NOT_SAVED, "vectors"))
    data = to_bytes(result.to_dict())
    file = offer(visitor, f"{name}.measure.json", partial(write_atomically, data=data))
    state.file = file["value"] or ""
    return {
        tab.keep_box: gr.update(visible=True),
        tab.name: name,
        tab.keep: gr.update(interactive=True),
        tab.download: file,
        tab.repeat: _command(frame, result),
        tab.keep_notice: "",
        tab.against: gr.update(value=NOTHING, **_beside(frame, visitor)),
    }


def _command(frame: Frame, result: Measurement) -> str:
    """The command that repeats a measurement, or why there is none."""
    request = result.request
    if NOT_SAVED in request.sources:
        return markup.notice("It measured a set that is not saved: save it in Discover, and measure again.", "info")
    asked = request.asked
    compared = leaderboard.comparable(result)
    judged = compared is not None and compared.side_effects is not None
    if built_in().get(asked.name) == asked:
        return markup.command(measure_command(request, frame.loaded, leaderboard=judged))
    file = f"{asked.name}.{'txt' if asked.kind == 'prompts' else 'json'}"
    note = f"{file} stands for the file of what was asked, which is no set that ships."
    return markup.command(measure_command(request, frame.loaded, file, judged)) + markup.notice(note, "info")


def wire(frame: Frame, tab: MeasureTab) -> None:
    private: dict[str, Any] = {**EVENT, **UNCHECKED}

    def part(visitor: Visitor) -> Part:
        result = MeasureState.of(visitor).result
        if result is None:
            raise InputError("Expected a measurement for a page, got none; measure something first.")
        return part_of(result, lambda name: frame.any_set(visitor, name))

    page_file.wire(frame, tab.page, part)

    @quick
    def on_page(request: gr.Request) -> Any:
        """The list of kept measurements when the page opens."""
        visitor = frame.visitor(request)
        return listed(frame, tab, visitor) if frame.measurements(visitor).names() else gr.skip()

    frame.opened.append((on_page, [], outputs(tab)))

    @quick
    def on_keep(name: str | None, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        state = MeasureState.of(visitor)
        try:
            if state.result is None:
                raise InputError("Expected a measurement to keep, got none; measure something first.")
            name = (name or "").strip()
            frame.measurements(visitor).save(state.result.to_dict(), name)
        except PlaygroundError as error:
            return {tab.keep_notice: markup.notice(str(error))}
        sentence = f"Kept as {name}: it is in the list below, and can be drawn beside others."
        return {tab.keep_notice: markup.notice(sentence, "info"), **listed(frame, tab, visitor)}

    written = [tab.keep_notice, *outputs(tab)]
    gr.on([tab.keep.click, tab.name.submit], on_keep, tab.name, written, **private)

    @quick
    def on_saved(event: gr.EventData, request: gr.Request) -> Updates:
        visitor, action = frame.visitor(request), acted(event)
        name, act = action.get("name", ""), action.get("act")
        if act == "delete":
            frame.measurements(visitor).delete(name)
            return listed(frame, tab, visitor)
        if act != "open":
            raise InputError(f"Expected to open or delete a measurement, got “{act}”; use its buttons.")
        result = from_document(frame.measurements(visitor).load(name))
        return {**_opened(frame, tab, visitor, result), tab.name: name, tab.keep: gr.update(interactive=False)}

    # Opening takes a moment, and a click on another button in it counts too.
    tab.saved.act(on_saved, None, [*tab.results, *outputs(tab)], trigger_mode="multiple", **private)

    @quick
    def on_upload(path: str | None, request: gr.Request) -> Updates:
        if not path:
            raise InputError(f"Expected a file {SUFFIX}, got none; choose one.")
        file, visitor = Path(path), frame.visitor(request)
        updates = _opened(frame, tab, visitor, from_document(read(file)))
        return {**updates, tab.name: frame.measurements(visitor).free_name(file.name)}

    tab.upload.upload(on_upload, tab.upload, tab.results, **EVENT)

    @quick
    def on_undo(request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        frame.measurements(visitor).undo()
        return listed(frame, tab, visitor)

    tab.undo.click(on_undo, None, outputs(tab), **private)

    @quick
    def on_against(name: str | None, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        state = MeasureState.of(visitor)
        result, before = state.result, None
        if name and name != NOTHING:
            before = drawable(from_document(frame.measurements(visitor).load(name)))
        if result is None:
            raise InputError("Expected a measurement to draw another one beside, got none any more; measure again.")
        if before is not None:
            result.check_beside(before)
        state.before = before
        labels = view.labels_now(frame, visitor, result, before)
        return drawn(tab, visitor, labels) | {tab.table: tables.beneath(visitor, labels=labels)}

    tab.against.input(on_against, tab.against, [*tab.figures.outputs, tab.table], **private)


def _opened(frame: Frame, tab: MeasureTab, visitor: Visitor, result: Measurement) -> Updates:
    """Updates that show a measurement from a file. One that cannot be shown leaves the visitor's state as it was."""
    before = replace(MeasureState.of(visitor))
    try:
        look_at(visitor, result)
        return {
            **tab.cleared(result.analysis),
            **shown(frame, tab, visitor, result),
            **offered(frame, tab, visitor),
        }
    except Exception:
        visitor.slices[MeasureState] = before
        raise
