"""Runs a scan and shows it: texts appear as batches finish, then they are grouped and sorted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from playground.core.positions import window
from playground.library.named_files import is_name
from playground.services import command as commands
from playground.services.durations import to_go
from playground.services.estimates import learn, work_of_scan
from playground.services.job import Job
from playground.services.scan import ScanProgress, ScanResult, file, scan
from playground.ui.kit import markup
from playground.ui.kit.downloads import offer
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.running import follow, seconds, waiting_line
from playground.ui.kit.visitor import Visitor
from playground.ui.scan import table as scan_table
from playground.ui.scan.form import ScanForm, prompts_of
from playground.ui.scan.layout import ScanTab
from playground.ui.scan.notes import noted_now
from playground.ui.scan.pins import comparison
from playground.ui.scan.state import ScanState
from playground.ui.scan.view import ALL_GROUPS, ScanView

REDRAW = 0.4
"""Seconds between two redraws of the table."""

Updates = dict[Any, Any]


def run_scan(
    frame: Frame, tab: ScanTab, visitor: Visitor, form: ScanForm, view: ScanView
) -> Iterator[Updates]:
    """Scans what the form asks for; yields updates of the page. `view`: order and filters of the table. Raises
    PlaygroundError for what cannot be scanned.
    """
    state = ScanState.of(visitor)
    loaded, load = frame.loaded, frame.load_set(visitor)
    request = form.request(prompts_of(form, visitor), load)
    vector_set = load(request.source)
    job = frame.start(
        visitor,
        "scanning",
        lambda model, context: scan(model, request, lambda _: vector_set, context.emit, context.cancelled),
    )
    state.scanning = True
    try:
        yield from _live(frame, tab, visitor, job, view)
    finally:
        state.scanning = False
    result = job.result()
    learn(loaded, work_of_scan(loaded, request, len(result.cells)), result.seconds)
    yield {**show_whole(frame, tab, visitor, result, view), frame.status: frame.status_now(visitor)}


def _live(frame: Frame, tab: ScanTab, visitor: Visitor, job: Job[ScanResult], view: ScanView) -> Iterator[Updates]:
    """Updates with the texts so far, until the job ends."""
    state = ScanState.of(visitor)
    # In the order in which they come, so that nothing moves while it is read; sorted at the end.
    live, drawn = replace(view, sort="vector", group=ALL_GROUPS), ""
    for batch in follow(job, REDRAW):
        events = [event for event in batch if isinstance(event, ScanProgress)]
        waiting = waiting_line(batch)
        updates: Updates = {frame.status: frame.status_now(visitor)}
        if waiting is not None:
            updates[tab.progress] = markup.run_line(waiting)
        if events:
            updates[tab.progress] = markup.run_line(_progress(events[-1]))
        found = [event.so_far for event in events if event.so_far is not None]
        if found:
            if state.result is None or state.result.created != found[-1].created:
                updates |= {tab.repeat: "", **_downloads(tab, None), **_all_groups(tab)}
                state.first, state.discarded = 0, None
            state.result = found[-1]
            table = drawn_table(frame, visitor, live)
            if table != drawn:
                updates[tab.table] = drawn = table
        yield updates


def show_whole(frame: Frame, tab: ScanTab, visitor: Visitor, result: ScanResult, view: ScanView) -> Updates:
    """Updates with everything about a whole scan, from a run or a file."""
    ScanState.of(visitor).result = result
    return {
        **show(frame, tab, visitor, replace(view, group=ALL_GROUPS)),
        **_group_choices(tab, result),
        tab.progress: markup.run_line(_summary(result)),
        tab.notice: _notice(result),
        tab.repeat: _command(result, frame),
    }


def show(frame: Frame, tab: ScanTab, visitor: Visitor, view: ScanView) -> Updates:
    """Updates of the table and of both downloads, with the notes there are now."""
    return {tab.table: drawn_table(frame, visitor, view), **_downloads(tab, visitor)}


def drawn_table(frame: Frame, visitor: Visitor, view: ScanView) -> str:
    """The current page of the table, as HTML."""
    state = ScanState.of(visitor)
    above = markup.notice(view.wrong)
    if state.result is None:
        return above + scan_table.WAITING
    state.notes, kept = noted_now(frame, visitor)
    if state.discarded is not None:
        above += scan_table.undo_line(state.discarded)
    above += comparison(state.result, state.notes, state.pins)
    return scan_table.table(state.result, view, state.notes, state.first, above, kept)


def _all_groups(tab: ScanTab) -> Updates:
    return {tab.group: gr.update(choices=[("all groups", ALL_GROUPS)], value=ALL_GROUPS)}


def _group_choices(tab: ScanTab, result: ScanResult) -> Updates:
    named = [(f"{group.name} · {len(group.members)}", str(number)) for number, group in enumerate(result.groups)]
    return {tab.group: gr.update(choices=[("all groups", ALL_GROUPS), *named], value=ALL_GROUPS)}


def _downloads(tab: ScanTab, visitor: Visitor | None) -> Updates:
    """Updates of both downloads; without files for None, while a scan runs."""
    state = ScanState() if visitor is None else ScanState.of(visitor)
    updates: Updates = {}
    for button, suffix in ((tab.json, ".json"), (tab.csv, ".csv")):
        if visitor is None or state.result is None:
            updates[button] = gr.update(value=None, interactive=False)
            continue
        source = state.result.request.source
        # The source is the name of a set, unless the set was not saved or a file has something else there.
        name = f"{f'{source}-scan' if is_name(source) else 'scan'}{suffix}"
        updates[button] = offer(visitor, name, partial(file.save, state.result, notes=state.notes))
    return updates


def _progress(event: ScanProgress) -> str:
    return f"text {event.done} of {event.total} · {seconds(event.seconds)}{to_go(event)}"


def _summary(result: ScanResult) -> str:
    noise = sum(cell.noise for cell in result.cells)
    groups = len({group for group in result.groups if group.name != "noise"})
    count = f"{len(result.cells)} texts" + (f" of {result.planned}, stopped" if result.cancelled else "")
    return (
        f"{count} · {groups} {'group' if groups == 1 else 'groups'} · {noise} noise · {seconds(result.seconds)} · "
        f"{result.tokens_per_second:.0f} tokens/s"
    )


def _notice(result: ScanResult) -> str:
    if result.cancelled:
        return markup.notice("Stopped; the texts that were whole are kept.", "info")
    warning = " ".join(result.warnings)
    if not window(result.request.positions).reaches_prompt:
        warning += " KL is 0 everywhere: a push at generated tokens only does not reach the first one."
    return markup.notice(warning.strip(), "warning")


def _command(result: ScanResult, frame: Frame) -> str:
    source, loaded = result.request.source, frame.workbench.loaded
    if source == NOT_SAVED:
        return markup.notice("Save the set in Discover to get the command that repeats this.", "info")
    if loaded is None or loaded.fingerprint != result.fingerprint:
        return markup.notice(f"Load {result.model} to get the command that repeats this.", "info")
    return markup.command(commands.scan_command(result.request, loaded, f"{source}-scan.json"))
