"""Runs of the Discover tab: compute or continue a set, find scales, write the gallery; live updates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import torch

from playground.errors import Cancelled, FileError
from playground.library.vector_set import VectorSet
from playground.methods.base.method import Method
from playground.methods.base.request import find_request
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services import command as commands
from playground.services.durations import to_go
from playground.services.estimates import learn, work_of_find, work_of_scales
from playground.services.find import FindProgress, FindRequest, FindResult, find, suggest_name
from playground.services.find.stopped import as_far_as
from playground.services.jobs import JobContext
from playground.services.scales import ScalesProgress, ScalesRequest
from playground.services.set_prompts import format_of
from playground.ui.discover import gallery
from playground.ui.discover.figures import RunFigures
from playground.ui.discover.form import After, DiscoverForm
from playground.ui.discover.layout import DiscoverTab
from playground.ui.discover.state import DiscoverState
from playground.ui.kit import markup
from playground.ui.kit.downloads import download
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.running import follow, seconds, waiting_line
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets.gallery import WAITING
from playground.ui.widgets.prompt_source import against_of
from playground.ui.widgets.scale_search import progress_line, scales_of, scales_summary, with_scales_of

REDRAW = 0.25
"""Seconds between two redraws of the figures, which are the slowest thing to draw."""

Updates = dict[Any, Any]


def compute_vectors(frame: Frame, tab: DiscoverTab, visitor: Visitor, form: DiscoverForm) -> Iterator[Updates]:
    """Compute the vectors of the form, then scales and gallery; yields updates. Raises PlaygroundError."""
    load = frame.load_set(visitor)
    prompts = form.choice.chosen(visitor)
    request = form.request(prompts, against_of(form.by, prompts, form.other_choice, visitor), load)
    yield from run_request(frame, tab, visitor, request, form.after)


def continue_set(frame: Frame, tab: DiscoverTab, visitor: Visitor, form: DiscoverForm) -> Iterator[Updates]:
    """Add vectors to the chosen set, in its library file; yields updates. Raises PlaygroundError."""
    name, load = form.continued, frame.load_set(visitor)
    if not name:
        raise FileError("Expected a set to continue, got none; choose one of the list.")
    so_far = load(name)
    yield from run_request(frame, tab, visitor, form.continuing(so_far, load), form.after, so_far)


def run_request(
    frame: Frame,
    tab: DiscoverTab,
    visitor: Visitor,
    request: FindRequest,
    after: After,
    so_far: VectorSet | None = None,
) -> Iterator[Updates]:
    """Run a request and yield updates, continuing `so_far` if given."""
    loaded, load, store = frame.loaded, frame.load_set(visitor), frame.store(visitor)
    figures = RunFigures(tab.figures, request)
    kept_as: list[str] = []
    not_kept: list[str] = []

    def keep(vector_set: VectorSet) -> None:
        """Save the set after every batch, so that a crash loses one batch at most. A folder that cannot be written to
        ends no run: the set is in the session, to be downloaded.
        """
        if not kept_as:
            kept_as.append(store.free_name(suggest_name(request, loaded)) if so_far is None else so_far.name)
        not_kept.clear()
        try:
            store.save(replace(vector_set, name=kept_as[0]), kept_as[0], overwrite=True)
        except FileError as error:
            not_kept.append(str(error))

    def work(model: LoadedModel, context: JobContext) -> FindResult:
        request.check(model)
        return find(model, request, context.emit, context.cancelled, load, keep, so_far)

    job = frame.start(visitor, "computing vectors", work)
    shown, done = False, 0.0
    for batch in follow(job, REDRAW):
        waiting = waiting_line(batch)
        progress = [event for event in batch if isinstance(event, FindProgress)]
        updates: Updates = {frame.status: frame.status_now(visitor)}
        if waiting is not None:
            updates[tab.progress] = markup.run_line(waiting)
        if progress and not shown:
            shown = True
            updates |= _cleared(tab, request.by)
        if progress:
            updates |= {tab.progress: markup.run_line(_progress_line(request, progress[-1])), **figures.add(progress)}
            done = max(done, *(event.share for event in progress if event.stage != "done"), 0.0)
        yield updates
    result = job.result()
    known = 0 if so_far is None else so_far.rows
    learn(loaded, work_of_find(loaded, request, known), result.seconds, done if result.cancelled else 1.0)
    # A free name, since an earlier run with these settings may have been saved under the usual one.
    vector_set = replace(result.vector_set, name=store.free_name(result.vector_set.name))
    visitor.keep_found(vector_set)
    if kept_as:
        keep(result.vector_set)
    if not_kept:
        kept_as.clear()
    if kept_as:
        vector_set = replace(result.vector_set, name=kept_as[0])
        visitor.saved_as, visitor.found = kept_as[0], vector_set
    scales, with_gallery = after
    yield {
        **figures.finish(result),
        **_kept(frame, tab, visitor, kept_as, not_kept),
        **_computed(frame, tab, visitor, as_far_as(request, result), _result_line(result), so_far),
        tab.save: gr.update(interactive=not kept_as),
    }
    if scales is not None and not result.cancelled:
        yield from _find_scales(frame, tab, visitor, scales, _result_line(result))
    if with_gallery:  # after a Stop too, at the scales that are known: what was found is to be seen
        yield from gallery.write(frame, tab, visitor, request.prompts[0])


def show_set(
    frame: Frame, tab: DiscoverTab, visitor: Visitor, vector_set: VectorSet, format: PromptFormat
) -> Iterator[Updates]:
    """Show vectors that are there as those that were computed last; find their scales and write their gallery."""
    origin = vector_set.origin
    request = find_request(
        origin.method, prompts=origin.prompts, prompt_set=origin.prompt_set, format=format, source=origin.source,
        target=origin.target, target_tokens=origin.target_tokens, vectors=vector_set.rows, seed=origin.seed or 0,
    )
    vector_set = replace(vector_set, name=frame.store(visitor).free_name(vector_set.name))
    visitor.keep_found(vector_set)
    said = f"blocks {origin.source} → {origin.target} of an atlas"
    yield {
        **_cleared(tab, request.by),
        **{row: gr.update(visible=False) for row in tab.figures.rows},  # there was no run to draw
        **_computed(frame, tab, visitor, request, said),
        tab.save: gr.update(interactive=True),
    }
    yield from _find_scales(frame, tab, visitor, ScalesRequest(), said)
    yield from gallery.write(frame, tab, visitor, origin.prompts[0])


def _computed(
    frame: Frame,
    tab: DiscoverTab,
    visitor: Visitor,
    request: FindRequest,
    said: str,
    so_far: VectorSet | None = None,
) -> Updates:
    """Forget the gallery of the set before; updates that show the computed set, which `request` finds again."""
    state, vector_set = DiscoverState.of(visitor), visitor.computed
    state.prompt, state.format = request.prompts[0], request.format
    state.forget_gallery()
    return {
        frame.library_seen: frame.library_token(visitor),
        tab.name: vector_set.name,
        tab.download: download(visitor, vector_set),
        tab.repeat: _command(request, frame.loaded, vector_set.name, so_far),
        tab.gallery: gallery.gallery_of(visitor),
        tab.progress: markup.run_line(said),
        frame.status: frame.status_now(),
    }


def _cleared(tab: DiscoverTab, method: Method) -> Updates:
    """Updates that clear the results of the run before."""
    return {
        **tab.figures.empty(method),
        **tab.linearity.cleared(),
        tab.gallery: WAITING,
        tab.save_notice: "",
        tab.repeat: "",
        tab.save: gr.update(interactive=False),
        tab.download: gr.update(interactive=False),
    }


def _kept(
    frame: Frame, tab: DiscoverTab, visitor: Visitor, kept_as: list[str], not_kept: list[str]
) -> Updates:
    """Updates for a set that the run has saved: a notice of its name, and its choice under Set to continue; or why it
    could not be saved.
    """
    if not_kept:
        return {tab.save_notice: markup.notice(not_kept[0])}
    if not kept_as:
        return {}
    text = f"Kept in the library as {kept_as[0]}, batch by batch; Continue goes on with it."
    return {
        tab.save_notice: markup.notice(text, "info"),
        **tab.continuable(frame.continuable(visitor, DiscoverState.of(visitor).method), kept_as[0]),
    }


def _command(request: FindRequest, loaded: LoadedModel, name: str, so_far: VectorSet | None) -> str:
    """HTML of the command that repeats the run, or of the reason why none can."""
    used = [component.source for recipe in request.recipes().values() for component in recipe.components]
    if NOT_SAVED in used:
        return markup.notice("It began with a set that is not saved, so no command can repeat it.", "info")
    out = f"vectors/{name}.safetensors"
    if so_far is None:
        return markup.command(commands.find_command(request, loaded, out))
    # The file has more rows by now; the run began after those it had then.
    continued = f"vectors/{so_far.name}.safetensors"
    return markup.command(commands.find_command(request, loaded, out, continued, so_far.rows))


def _find_scales(
    frame: Frame, tab: DiscoverTab, visitor: Visitor, asked: ScalesRequest, ended: str
) -> Iterator[Updates]:
    """Find the scales of the computed set, and show the texts of the search; yields updates.

    `ended` is the result line of the run, before the progress of the search.
    """
    begun = visitor.computed
    job = frame.start(visitor, "finding scales", lambda model, context: scales_of(model, begun, context, asked))
    state, share, took = DiscoverState.of(visitor), 0.0, 0.0

    def keep(scaled: VectorSet) -> None:
        visitor.found = with_scales_of(visitor.computed, scaled)
        visitor.found_number += 1
        saved = visitor.saved_as
        if saved is not None and saved in frame.store(visitor).names():
            frame.store(visitor).change(saved, lambda now: with_scales_of(now, scaled))

    for batch in follow(job, REDRAW):
        if not torch.equal(visitor.computed.vectors, begun.vectors):
            return  # another set has been computed since
        updates: Updates = {frame.status: frame.status_now(visitor)}
        for event in batch:
            if isinstance(event, VectorSet):
                keep(event)
            elif isinstance(event, ScalesProgress):
                share, took = event.share, event.seconds
                gallery.record_looks(state, event, begun.origin.prompts)
        if line := progress_line(batch):
            updates[tab.progress] = markup.run_line(f"{ended} · {line}")
            updates[tab.gallery] = gallery.gallery_of(visitor)
        yield updates
    try:
        keep(job.result())
    except Cancelled:
        return
    origin = begun.origin
    work = work_of_scales(frame.loaded, origin.prompts, format_of(origin), begun.rows, asked)
    learn(frame.loaded, work, took, share)
    yield {
        tab.progress: markup.run_line(f"{ended} · {scales_summary(visitor.computed)}"),
        tab.gallery: gallery.gallery_of(visitor),
        tab.download: download(visitor, visitor.computed),
        frame.library_seen: frame.library_token(visitor),
    }


def _progress_line(request: FindRequest, event: FindProgress) -> str:
    if event.stage == "encode":
        return "reading the prompts"
    if event.stage == "prepare":
        return f"running the first blocks once · {seconds(event.seconds)}"
    batch = "" if event.batch is None else f"batch {event.batch + 1}, "
    method = request.by
    about = "at most " if method.at_most else "" if "steps" in method.cost else "about "
    return f"{batch}step {event.step} of {about}{event.steps} · {seconds(event.seconds)}{to_go(event)}"


def _result_line(result: FindResult) -> str:
    steps = "" if result.vector_set.origin.converged is None else f"{result.steps} steps · "
    stopped = "stopped: what there was is kept · " if result.cancelled else ""
    return f"{stopped}{steps}{seconds(result.seconds)} of computation"
