"""Computing directions and taking a first look at them, live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import torch

from playground.errors import Cancelled, FileError
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services import command as commands
from playground.services.find import FindProgress, FindRequest, FindResult, find, suggest_name
from playground.services.generate import GenerateProgress, generate
from playground.services.scales import ScalesProgress
from playground.ui.discover import first_look
from playground.ui.discover.figures import Course
from playground.ui.discover.form import DiscoverForm
from playground.ui.discover.layout import DiscoverTab
from playground.ui.discover.state import DiscoverState
from playground.ui.kit import cost, markup
from playground.ui.kit.downloads import download_file
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.running import follow, seconds, waiting_position
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.prompt_source import against_of
from playground.ui.widgets.scale_search import scales_of, scales_said, scales_summary, with_scales_of

REDRAW = 0.25
"""Seconds between two redraws of the figures, which are the slowest thing to draw."""

Updates = dict[Any, Any]


def compute_vectors(frame: Frame, tab: DiscoverTab, visitor: Visitor, form: DiscoverForm) -> Iterator[Updates]:
    """What Compute does."""
    load = frame.load_set(visitor)
    prompts = form.choice.chosen(visitor)
    request = form.request(prompts, against_of(form.by, prompts, form.other_choice, visitor), load)
    yield from _run(frame, tab, visitor, request, form.first_look)


def continue_set(frame: Frame, tab: DiscoverTab, visitor: Visitor, form: DiscoverForm) -> Iterator[Updates]:
    """What Continue does: the chosen set grows in its own file."""
    name, load = form.continued, frame.load_set(visitor)
    if not name:
        raise FileError("Expected a set to continue, got none; choose one of the list.")
    so_far = load(name)
    yield from _run(frame, tab, visitor, form.continuing(so_far, load), form.first_look, so_far)


def _run(
    frame: Frame,
    tab: DiscoverTab,
    visitor: Visitor,
    request: FindRequest,
    after: tuple[bool, int],
    so_far: VectorSet | None = None,
) -> Iterator[Updates]:
    state = DiscoverState.of(visitor)
    loaded, load, store = frame.loaded, frame.load_set(visitor), frame.workbench.store
    course = Course(tab.figures, request)
    kept_as: list[str] = []

    def keep(vector_set: VectorSet) -> None:
        """Every finished batch is in the library at once: a crash loses one batch at most."""
        if not kept_as:
            kept_as.append(store.free_name(suggest_name(request, loaded)) if so_far is None else so_far.name)
        store.save(replace(vector_set, name=kept_as[0]), kept_as[0], overwrite=True)

    def work(model: LoadedModel, context: Any) -> FindResult:
        request.check(model)
        return find(model, request, context.emit, context.cancelled, load, keep, so_far)

    job = frame.start(visitor, "computing vectors", work)
    shown, done = False, 0.0
    for batch in follow(job, REDRAW):
        position = waiting_position(batch)
        progress = [event for event in batch if isinstance(event, FindProgress)]
        updates: Updates = {frame.status: frame.status_now()}
        if position is not None:
            updates[tab.progress] = markup.run_line(f"waiting: number {position} in the queue")
        if progress and not shown:
            shown = True
            updates |= _cleared(tab, request)
        if progress:
            updates |= {tab.progress: markup.run_line(_said(request, progress[-1])), **course.take(progress)}
            done = max(done, *(event.share for event in progress if event.stage != "done"), 0.0)
        yield updates
    result = job.result()
    # A run that ended early teaches as much as it did.
    early = result.cancelled or (result.stopped not in (None, "count"))
    cost.learn(loaded, request, result.seconds, done if early else 1.0)
    # Under a name that Save can use: that of an earlier run with these settings may be taken.
    visitor.keep_found(replace(result.vector_set, name=store.free_name(result.vector_set.name)))
    if kept_as:
        visitor.saved_as = kept_as[0]
        visitor.found = replace(result.vector_set, name=kept_as[0])
        keep(result.vector_set)
    state.prompt, state.format, state.scales, state.texts = request.prompts[0], request.format, {}, {}
    with_scales, looks = after
    yield {
        **course.ended(result),
        **_kept(frame, tab, visitor, kept_as),
        frame.library_seen: frame.library_token(visitor),
        tab.name: visitor.found.name,
        tab.save: gr.update(interactive=not kept_as),
        tab.download: gr.update(value=download_file(visitor), interactive=True),
        tab.repeat: _command(request, loaded, visitor.found.name, so_far),
        tab.look_table: first_look.table(visitor.found, {}),
        tab.progress: markup.run_line(_ended(result)),
        frame.status: frame.status_now(),
    }
    if with_scales and not result.cancelled:
        yield from _find_scales(frame, tab, visitor, _ended(result))
    if looks and not result.cancelled:
        yield from _look(frame, tab, visitor, looks)


def _cleared(tab: DiscoverTab, request: FindRequest) -> Updates:
    """What belonged to the computation before goes as soon as this one begins."""
    return {
        **tab.figures.empty(request.by),
        **tab.linearity.cleared(),
        tab.look_table: first_look.WAITING,
        tab.save_notice: "",
        tab.repeat: "",
        tab.save: gr.update(interactive=False),
        tab.download: gr.update(interactive=False),
    }


def _kept(frame: Frame, tab: DiscoverTab, visitor: Visitor, kept_as: list[str]) -> Updates:
    """For a set that is on disk already: where, and that it can be continued."""
    if not kept_as:
        return {}
    said = f"Kept in the library as {kept_as[0]}, batch by batch; Continue goes on with it."
    return {
        tab.save_notice: markup.notice(said, "info"),
        **tab.continuable(frame.continuable(DiscoverState.of(visitor).method), kept_as[0]),
    }


def _command(request: FindRequest, loaded: LoadedModel, name: str, so_far: VectorSet | None) -> str:
    used = [component.source for recipe in request.recipes().values() for component in recipe.components]
    if NOT_SAVED in used:
        return markup.notice("It began with a set that is not saved, so no command can repeat it.", "info")
    # The file has grown by now: what is repeated began after the rows that it had.
    continued = {} if so_far is None else {"so_far": f"vectors/{so_far.name}.safetensors", "first": so_far.rows}
    return markup.command(commands.find_command(request, loaded, f"vectors/{name}.safetensors", **continued))


def _find_scales(frame: Frame, tab: DiscoverTab, visitor: Visitor, ended: str) -> Iterator[Updates]:
    """Find the scales of what was computed; the texts that are looked at on the way are shown as they come.

    `ended` is what is said of the computation, before what is said of the scales.
    """
    begun = visitor.found
    job = frame.start(visitor, "finding scales", lambda model, context: scales_of(model, begun, context))
    looks: dict[tuple[int, int], str] = {}
    scales: dict[tuple[int, int], float] = {}
    prompt, share, took = "", 0.0, 0.0

    def keep(scaled: VectorSet) -> None:
        visitor.found = with_scales_of(visitor.found, scaled)
        visitor.found_number += 1
        saved = visitor.saved_as
        if saved is not None and saved in frame.workbench.store.names():
            frame.workbench.store.change(saved, lambda now: with_scales_of(now, scaled))

    for batch in follow(job, REDRAW):
        if visitor.found is None or not torch.equal(visitor.found.vectors, begun.vectors):
            return  # another computation has taken its place
        updates: Updates = {frame.status: frame.status_now()}
        for event in batch:
            if isinstance(event, VectorSet):
                keep(event)
            elif isinstance(event, ScalesProgress):
                share, took = event.share, event.seconds
                for look in event.looks:
                    if not look.noise:
                        place = (look.row, look.sign)
                        looks[place], scales[place] = look.text, look.scale
                        prompt = begun.origin.prompts[look.prompt]
        if said := scales_said(batch):
            updates[tab.progress] = markup.run_line(f"{ended} · {said}")
            updates[tab.look_table] = first_look.table(visitor.found, looks, "", prompt, scales)
        yield updates
    try:
        keep(job.result())
    except Cancelled:
        return
    work = cost.scale_operations(frame.loaded, begun.origin.prompts, begun.rows)
    cost.learn_speed(frame.loaded, cost.SCALES, work * share, took)
    yield {
        tab.progress: markup.run_line(f"{ended} · {scales_summary(visitor.found)}"),
        tab.look_table: first_look.table(visitor.found, looks, scales=scales),  # not yet at the found scales
        tab.download: gr.update(value=download_file(visitor), interactive=True),
        frame.library_seen: frame.library_token(visitor),
    }


def _look(frame: Frame, tab: DiscoverTab, visitor: Visitor, count: int) -> Iterator[Updates]:
    state = DiscoverState.of(visitor)
    vector_set = visitor.found
    scales = first_look.signed_rows(vector_set, count)
    if not scales:
        return
    load: Callable[[str], VectorSet] = {NOT_SAVED: vector_set}.__getitem__
    request = first_look.request_for(NOT_SAVED, scales, state.prompt, state.format)
    job = frame.start(
        visitor,
        "taking a first look",
        lambda model, context: generate(model, request, load, context.emit, context.cancelled),
    )
    state.scales = scales

    def table() -> str:
        # Names and stars may have been given while the texts came in: what the visitor holds now is what is shown.
        looks, baseline = state.texts, state.baseline
        return first_look.table(visitor.found, looks, baseline, state.prompt, scales)

    for batch in follow(job, REDRAW):
        progress = [event for event in batch if isinstance(event, GenerateProgress)]
        updates: Updates = {frame.status: frame.status_now()}
        if progress:
            state.baseline, state.texts = first_look.looks_of(progress[-1].texts, scales)
            updates[tab.look_table] = table()
        yield updates
    texts = [row.text for row in job.result().rows]
    state.baseline, state.texts = first_look.looks_of(texts, scales)
    yield {tab.look_table: table()}


def _said(request: FindRequest, event: FindProgress) -> str:
    if event.stage == "encode":
        return "reading the prompts"
    if event.stage == "prepare":
        return f"running the first blocks once · {seconds(event.seconds)}"
    to_go = "" if event.seconds_to_go is None else f" · about {seconds(event.seconds_to_go)} to go"
    batch = "" if event.batch is None else f"batch {event.batch + 1}, "
    method = request.by
    about = "at most " if method.at_most else "" if "steps" in method.cost else "about "
    return f"{batch}step {event.step} of {about}{event.steps} · {seconds(event.seconds)}{to_go}"


def _ended(result: FindResult) -> str:
    steps = "" if result.vector_set.origin.converged is None else f"{result.steps} steps · "
    stopped = "stopped: what there was is kept · " if result.cancelled else ""
    return f"{stopped}{steps}{seconds(result.seconds)} of computation"
