"""Layout of the page, and the events that update all tabs when the model or the library changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import gradio as gr

from playground.services.session import Workbench
from playground.ui import about, address, endpoints, kept_runs, model_strip, problem
from playground.ui.guard.app import GuardedApp
from playground.ui.guard.hosts import Hosts
from playground.ui.guard.shares import Shares
from playground.ui.kit import theme
from playground.ui.kit.checked_values import CheckedBlocks
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.tab import Tab
from playground.ui.kit.visitor import VISITORS, Visitor
from playground.ui.model_strip import ModelStrip
from playground.ui.tabs import TABS
from playground.ui.widgets import find_some

TITLE = "Steering Playground"
MAX_UPLOAD = "64mb"
THREADS = 160
"""Events that are handled at once. Each job under way or waiting holds one, and reading must never wait for them."""
FORGET_SECONDS = 5.0
"""Seconds after which the session of a closed page is dropped."""
POLL_SECONDS = 3.0
"""Interval in which the page asks for changes by other visitors: model, library, status."""
CLEAN = (3600, 24 * 3600)
"""(seconds between cleanings, age in seconds at which uploads and downloads are deleted)."""
OPENED_JS = "() => document.body.removeAttribute('inert')"
"""Makes the page accept input, once it is up to date and no update can overwrite what was typed."""
SKIP = '<button type="button" class="sp-skip" data-skip>Skip to the button of this tab</button>'
"""The first stop of the Tab key (running.js)."""
DARK_JS = """() => {
  const dark = document.body.classList.toggle('dark');
  try {
    localStorage.setItem('playground-theme', dark ? 'dark' : 'light');
  } catch { /* denied in a frame of another site */ }
}"""


class Page(CheckedBlocks):
    """The page and its frame."""

    frame: Frame

    def forget(self, session: str) -> None:
        """Drop what Gradio keeps of a session."""
        if isinstance(self.app, GuardedApp):
            self.app.forget(session)


def build(workbench: Workbench) -> Page:
    """The page of a workbench. Launch it with `launch_options`."""
    frame = Frame(workbench)
    page = Page(title=TITLE, delete_cache=CLEAN, analytics_enabled=False, fill_width=True)
    page.frame = frame
    with page:
        frame.model_seen = gr.State(frame.model_token())
        frame.library_seen = gr.State(frame.library_token(Visitor("")))
        frame.status = gr.HTML(frame.status_now(), elem_id="status", scale=4, min_width=150, render=False)
        with gr.Row(elem_classes="sp-top"):
            gr.HTML(f"{SKIP}<h1>{TITLE}</h1>", elem_classes="sp-title", min_width=170, scale=0)
            strip = model_strip.build(frame)
            frame.status.render()
            with gr.Row(elem_classes="sp-topbuttons", scale=0):
                keep = gr.Checkbox(
                    False, label="keep running", elem_id="keep", container=False, min_width=110, scale=0,
                )
                stop = gr.Button("Stop", elem_id="stop", size="sm", min_width=60, scale=0)
                dark = gr.Button("◐ dark", elem_id="dark", size="sm", min_width=60, scale=0, elem_classes="sp-link")
        kept = kept_runs.build()
        offered = find_some.build(frame)
        link_notice = address.build(frame)
        panels: list[tuple[Tab[Any], Any]] = []
        with gr.Tabs(elem_id="tabs") as frame.tabs:
            for tab in TABS:
                with gr.Tab(tab.label, id=tab.name):
                    panels.append((tab, tab.layout(frame)))
        for tab, panel in panels:
            tab.wire(frame, panel)
        foot = gr.Row(elem_classes="sp-foot")
        about.build(foot)
        problem.build(frame, foot)
        timer = gr.Timer(POLL_SECONDS)
        find_some.wire(frame, offered)
        links = address.Links(frame, link_notice, [tab.name for tab in TABS])
        links.wire()
        _wire_changes(frame, page, panels, strip, timer, kept, offered, links)
        kept_runs.wire(frame, kept, keep)

        def on_stop(request: gr.Request) -> str:
            frame.cancel_jobs(request)
            return frame.status_now(frame.visitor(request))

        stop.click(on_stop, None, frame.status, queue=False, **EVENT)
        dark.click(None, None, None, js=DARK_JS, **EVENT)

        def on_leave(request: gr.Request) -> None:
            frame.leave(request)
            # Once Gradio has done with this event, which would begin the session anew.
            forget = threading.Timer(FORGET_SECONDS, page.forget, (request.session_hash or "",))
            forget.daemon = True
            forget.start()

        page.unload(on_leave)
        endpoints.build(frame)
    # The guard bounds the events of a visitor and in all. Another limit here would make everybody wait, unseen, behind
    # whoever came first.
    page.queue(max_size=None, default_concurrency_limit=None)
    return page


def _wire_changes(
    frame: Frame,
    page: gr.Blocks,
    panels: Sequence[tuple[Tab[Any], Any]],
    strip: ModelStrip,
    timer: gr.Timer,
    kept: gr.HTML,
    offered: gr.HTML,
    links: address.Links,
) -> None:
    """Update the tabs when the page opens, when another model is loaded, and when the library changes."""
    seen = [frame.model_seen, frame.library_seen]
    everything = [*model_strip.outputs(strip), frame.status, *seen, offered]
    of_library = [offered]
    for tab, panel in panels:
        everything += tab.outputs(panel)
        of_library += tab.library_outputs(panel)
    everything += [part for part in links.outputs if part not in everything]

    def whole_page(visitor: Visitor) -> dict[Any, Any]:
        """Updates of all that depends on the model and the library."""
        visitor.model_shown, visitor.library_shown = frame.model_token(), frame.library_token(visitor)
        updates = {
            **model_strip.updates(frame, strip),
            frame.status: frame.status_now(visitor),
            frame.model_seen: visitor.model_shown,
            frame.library_seen: visitor.library_shown,
            offered: find_some.shown(frame, visitor),
        }
        for tab, panel in panels:
            updates |= tab.model_updates(frame, panel, visitor)
        return updates | links.again(visitor)

    @quick
    def on_open(model: str, sets: str, link: Any, request: gr.Request) -> dict[Any, Any]:
        """Prepare the session of a new visitor, update the page if model or library changed since it was built, and
        show the link in its address.
        """
        visitor = frame.visitor(request)
        if (model, sets) != (frame.model_token(), frame.library_token(visitor)):
            return whole_page(visitor) | links.open(visitor, link)
        visitor.model_shown, visitor.library_shown = model, sets
        for tab, _ in panels:
            tab.arrive(frame, visitor)
        return {frame.status: frame.status_now(visitor)} | links.open(visitor, link)

    @quick
    def on_model(request: gr.Request) -> dict[Any, Any]:
        """Update the page unless it shows the loaded model already."""
        visitor = frame.visitor(request)
        if visitor.model_shown == frame.model_token():
            return {frame.status: gr.skip()}
        return whole_page(visitor)

    @quick
    def on_library(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Update pickers and lists unless they show the present library already."""
        visitor = frame.visitor(request)
        token = frame.library_token(visitor)
        if visitor.library_shown == token:
            return {of_library[0]: gr.skip()}
        visitor.library_shown = token
        updates: dict[Any, Any] = {offered: find_some.shown(frame, visitor)}
        start = 0
        for tab, panel in panels:
            end = start + len(tab.library_inputs(panel))
            updates |= tab.library_updates(frame, panel, visitor, values[start:end])
            start = end
        return updates

    def on_poll(model: str, sets: str, runs: str, request: gr.Request) -> tuple[Any, ...]:
        visitor = frame.visitor(request)
        now = (frame.model_token(), frame.library_token(visitor), kept_runs.listed(frame, visitor))
        seen = zip(now, (model, sets, runs), strict=True)
        return frame.status_now(visitor), *(gr.skip() if one == other else one for one, other in seen)

    def then_each(event: Any, handlers: Sequence[tuple[Any, list[Any], list[Any]]]) -> Any:
        for handler, inputs, outputs in handlers:
            event = event.then(handler, inputs, outputs, **EVENT, **UNCHECKED)
        return event

    opened = page.load(on_open, [*seen, frame.address], everything, js=address.READ_JS, **EVENT)
    opened = then_each(opened, frame.opening)
    then_each(opened.then(None, None, None, js=OPENED_JS, **EVENT), frame.opened)
    # A change that comes during the update for the one before must not be dropped.
    latest: dict[str, Any] = {"trigger_mode": "always_last", **EVENT}
    then_each(frame.model_seen.change(on_model, None, everything, **latest), frame.opened)
    asked = [component for tab, panel in panels for component in tab.library_inputs(panel)]
    frame.library_seen.change(on_library, asked, of_library, **latest, **UNCHECKED)
    # In the queue, since only there a gr.State triggers its change event.
    timer.tick(on_poll, [*seen, kept], [frame.status, *seen, kept], **EVENT)


def launch_options(
    page: Page, hosts: Hosts | None = None, shares: Shares | None = None, mcp: bool = False
) -> dict[str, Any]:
    """Options of the page's `launch`: theme, script, limits on access, and whether endpoints are served over MCP."""
    return {
        "_app": GuardedApp(page.frame.absent, page.frame.leaving.asked, hosts, shares, mcp),
        "mcp_server": mcp,
        "max_threads": THREADS,
        "state_session_capacity": VISITORS,
        "theme": theme.Playground(),
        "css": theme.CSS.read_text(encoding="utf-8"),
        "js": theme.script(),
        "run_history": False,
        "ssr_mode": False,  # a Space would turn it on, and nothing is tested with it
        "allowed_paths": [],
        "strict_cors": True,
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD,
        "footer_links": [],
        "show_error": True,
    }
