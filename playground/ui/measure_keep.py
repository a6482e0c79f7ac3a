"""Keeping measurements beside the sets: save, download, look at again, draw beside another, delete with undo."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library.atomic import write_atomically
from playground.library.measurements import Measurements, to_bytes
from playground.library.prompts import built_in
from playground.services.command import measure_command
from playground.services.measure import MeasureResult
from playground.services.measure.document import from_document, to_document
from playground.ui import markup, measure_board, measure_layout, measure_show, measure_tables, measure_view
from playground.ui.found import download_path
from playground.ui.frame import NOT_SAVED, Frame, acted
from playground.ui.measure_form import CHOICES
from playground.ui.measure_layout import MeasureTab
from playground.ui.measure_view import Result
from playground.ui.running import EVENT, quick
from playground.ui.state import Visitor
from playground.ui.vector_controls import UNCHECKED

Updates = dict[Any, Any]


def outputs(tab: MeasureTab) -> list[Any]:
    """What `listed` writes to."""
    return [tab.saved, tab.undo, tab.against]


def kept(frame: Frame) -> Measurements:
    """The measurements beside the sets."""
    return Measurements(frame.workbench.store.folder)


def listed(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """The list of what is kept, and what of it can be drawn beside what is looked at."""
    entries = kept(frame).list()
    return {
        tab.saved: measure_tables.kept(entries) if entries else markup.empty(measure_layout.WAIT_SAVED),
        tab.undo: gr.update(visible=bool(visitor.measure_undo)),
        tab.against: gr.update(choices=[NOTHING, *_comparable(frame, visitor)]),
    }


NOTHING = "nothing"


def _comparable(frame: Frame, visitor: Visitor) -> list[str]:
    """Names of kept measurements on the same items of the same model."""
    result = visitor.measured
    if not isinstance(result, MeasureResult):
        return []
    same = ("choices", result.fingerprint, result.request.choices.hash)
    return [each.name for each in kept(frame).list() if (each.kind, each.fingerprint, each.asked_hash) == same]


def offered(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """A name, a download and the command for what was just measured."""
    result = visitor.measured
    if not isinstance(result, MeasureResult):
        return {tab.keep_box: gr.update(visible=False)}
    source = result.request.vectors[0].source if len({v.source for v in result.request.vectors}) == 1 else "sets"
    name = kept(frame).free_name(f"{result.request.choices.name}-{source}".replace(NOT_SAVED, "vectors"))
    path = download_path(visitor, f"{name}.measure.json")
    write_atomically(path, to_bytes(to_document(result)))
    return {
        tab.keep_box: gr.update(visible=True),
        tab.name: name,
        tab.keep: gr.update(interactive=True),
        tab.download: gr.update(value=str(path), interactive=True),
        tab.repeat: _command(frame, result),
        tab.keep_notice: "",
        tab.against: gr.update(choices=[NOTHING, *_comparable(frame, visitor)], value=NOTHING),
    }


def shown_again(tab: MeasureTab, result: Result) -> Updates:
    """Whether there is something to keep, in an event of its own."""
    there = isinstance(result, MeasureResult)
    return {tab.keep_box: gr.update(visible=there), tab.keep: gr.update(interactive=there)}


def _command(frame: Frame, result: MeasureResult) -> str:
    request = result.request
    if any(vector.source == NOT_SAVED for vector in request.vectors):
        return markup.notice("It measured a set that is not saved: save it in Discover, and measure again.", "info")
    file = None
    if built_in().get(request.choices.name) != request.choices:
        file = f"{request.choices.name}.json"
    return markup.command(measure_command(request, frame.loaded, file))


def wire(frame: Frame, tab: MeasureTab) -> None:
    private: dict[str, Any] = {**EVENT, **UNCHECKED}

    @quick
    def on_keep(name: str | None, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        try:
            if not isinstance(visitor.measured, MeasureResult):
                raise InputError("Expected a measurement of choices to keep, got none; measure something first.")
            name = (name or "").strip()
            kept(frame).save(to_document(visitor.measured), name)
        except PlaygroundError as error:
            return {tab.keep_notice: markup.notice(str(error))}
        said = f"Kept as {name}: it is in the list below, and can be drawn beside others."
        return {tab.keep_notice: markup.notice(said, "info"), **listed(frame, tab, visitor)}

    written = [tab.keep_notice, *outputs(tab)]
    gr.on([tab.keep.click, tab.name.submit], on_keep, tab.name, written, **private)

    @quick
    def on_saved(event: gr.EventData, request: gr.Request) -> Updates:
        visitor, said = frame.visitor(request), acted(event)
        name, act = said.get("name", ""), said.get("act")
        if act == "delete":
            visitor.measure_undo.append(kept(frame).delete(name))
            return listed(frame, tab, visitor)
        if act != "open":
            raise InputError(f"Expected to open or delete a measurement, got “{act}”; use its buttons.")
        result = from_document(kept(frame).load(name))
        visitor.measured, visitor.measured_before = result, None
        visitor.measure_look, visitor.measure_board = measure_view.best(result), measure_board.entries_of(result)
        return {
            **tab.cleared(CHOICES),
            **shown(tab, visitor, result),
            **offered(frame, tab, visitor),
            tab.name: name,
            tab.keep: gr.update(interactive=False),
        }

    # Opening takes a moment, and a click on another button in it counts too.
    tab.saved.act(on_saved, None, [*tab.results, *outputs(tab)], trigger_mode="multiple", **private)

    @quick
    def on_undo(request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        if not visitor.measure_undo:
            raise InputError("Expected something that was deleted in this tab, got nothing; delete one first.")
        kept(frame).undo_delete(visitor.measure_undo.pop())
        return listed(frame, tab, visitor)

    tab.undo.click(on_undo, None, outputs(tab), **private)

    @quick
    def on_against(name: str | None, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        result = visitor.measured
        if not isinstance(result, MeasureResult):
            raise InputError("Expected a measurement to compare, got none; measure something first.")
        if not name or name == NOTHING:
            visitor.measured_before = None
        else:
            visitor.measured_before = from_document(kept(frame).load(name))
        return {
            **measure_show.over_scales(tab, result, visitor.measure_look, visitor.measured_before),
            tab.table: measure_tables.beneath(visitor),
        }

    tab.against.input(on_against, tab.against, [*tab.figures.outputs, tab.table], **private)


def shown(tab: MeasureTab, visitor: Visitor, result: Any) -> Updates:
    """Everything about a measurement that is there, new or out of a file."""
    return {
        **measure_show.over_scales(tab, result, visitor.measure_look, visitor.measured_before),
        **measure_show.noted(tab, result, visitor.measure_look, "measurement"),
        **measure_show.looked(tab, result, visitor.measure_look),
        tab.progress: measure_tables.ended(result),
        tab.table: measure_tables.beneath(visitor),
    }
