"""The line of runs that went on while their page was closed, with Show and Stop; the box that keeps them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.ui.kit import markup
from playground.ui.kit.frame import Frame, acted, board
from playground.ui.kit.running import EVENT, quick, seconds
from playground.ui.kit.runs import Run
from playground.ui.kit.visitor import Visitor


def build() -> gr.HTML:
    """The line, empty while there is no such run."""
    return board("", elem_id="kept-runs")


def listed(frame: Frame, visitor: Visitor) -> str:
    """The line as HTML."""
    runs = frame.runs.kept(visitor)
    return f'<div class="sp-kept">{"".join(_line(run) for run in runs)}</div>' if runs else ""


def _line(run: Run) -> str:
    # Whole minutes, so that the line is sent again once a minute at most.
    minutes = int((time.monotonic() - run.begun) // 60)
    ago = "less than a minute ago" if minutes == 0 else f"{seconds(60.0 * minutes)} ago"
    if run.running:
        said, end = f"still running, begun {ago}", "Stop"
    else:
        said, end = f"ready, begun {ago}", "Forget"
    buttons = "".join(
        f'<button type="button" class="sp-small" data-act="{act}" data-name="{run.id}">{word}</button>'
        for act, word in (("show", "Show"), ("end", end))
    )
    return f"<p><b>{markup.escape(run.label)}</b> <span>{markup.escape(said)}</span>{buttons}</p>"


def wire(frame: Frame, line: gr.HTML, keep: gr.Checkbox) -> None:
    """Attach the event handlers."""

    @quick
    def on_keep(wanted: bool, request: gr.Request) -> None:
        frame.visitor(request).keep = bool(wanted)

    keep.input(on_keep, keep, None, **EVENT)

    def on_act(event: gr.EventData, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor, action = frame.visitor(request), acted(event)
        run = frame.runs.take(visitor, action.get("name", ""))
        if run is None:
            yield {line: listed(frame, visitor)}
            gr.Warning("Expected a run that is kept, got one that is not there any more; look at the line again.")
            return
        if action.get("act") != "show":
            frame.runs.end(run)
            yield {line: listed(frame, visitor)}
            return
        frame.visitors.adopt(visitor, run.visitor, run.tab)
        yield {**run.updates, frame.tabs: gr.Tabs(selected=run.tab), line: listed(frame, run.visitor)}
        yield from frame.runs.reading(run)

    line.act(on_act, None, [line, frame.tabs, *frame.kept_outputs], **EVENT)

    @quick
    def on_page(request: gr.Request) -> Any:
        return listed(frame, frame.visitor(request)) or gr.skip()

    frame.opened.append((on_page, [], [line]))
