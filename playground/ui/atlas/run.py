"""Computing an atlas, with the map filled in as pairs become known; showing one that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import Cancelled, InputError
from playground.library import atlas as files
from playground.library.atlas import Atlas, Pair
from playground.model.load import LoadedModel
from playground.services import command as commands
from playground.services.atlas import AtlasProgress, AtlasRequest, AtlasResult, atlas
from playground.services.atlas.colours import COLOURS
from playground.services.atlas.difference import PairDifference, changed_most, difference
from playground.services.atlas.effects import (
    EffectsProgress,
    EffectsRequest,
    SwingRequest,
    choices_of,
    measure_effects,
)
from playground.services.durations import to_go
from playground.services.estimates import learn, work_of_atlas
from playground.ui.atlas import cell as cell_panel
from playground.ui.atlas.files import other_choices
from playground.ui.atlas.layout import AtlasTab, choices, explained
from playground.ui.atlas.map import GAIN, drawn
from playground.ui.atlas.state import AtlasState
from playground.ui.kit import markup
from playground.ui.kit.downloads import offer
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import follow, seconds, waiting_line
from playground.ui.kit.visitor import Visitor

REDRAW = 0.7
"""Seconds between two redraws: a map of a thousand cells is 200 kB."""

Updates = dict[Any, Any]


def compute(frame: Frame, tab: AtlasTab, visitor: Visitor, request: AtlasRequest) -> Iterator[Updates]:
    """Compute the atlas of a request; yields updates. Raises PlaygroundError."""
    state, loaded = AtlasState.of(visitor), frame.loaded
    job = frame.start(
        visitor, "computing an atlas", lambda model, context: atlas(model, request, context.emit, context.cancelled)
    )
    state.atlas, state.gains, state.cell, state.layers = None, {}, None, request.layers
    state.compare({})
    yield {**_emptied(frame, tab, visitor), tab.map: drawn(state, GAIN), frame.status: frame.status_now(visitor)}
    share = 0.0
    for batch in follow(job, REDRAW):
        updates: Updates = {frame.status: frame.status_now(visitor)}
        if line := waiting_line(batch):
            updates[tab.progress] = markup.run_line(line)
        progress = [event for event in batch if isinstance(event, AtlasProgress)]
        for event in progress:
            state.gains |= {pair: values.tolist() for pair, values in event.values.items()}
            share = event.share
        if progress:
            updates |= {tab.map: drawn(state, GAIN), tab.progress: markup.run_line(_progress_line(progress[-1]))}
        yield updates
    result = job.result()
    learn(loaded, work_of_atlas(loaded, request), result.seconds, share if result.cancelled else 1.0)
    yield {
        **show(frame, tab, visitor, result.atlas),
        tab.progress: markup.run_line(_result_line(request, result)),
        tab.repeat: markup.command(commands.atlas_command(request, loaded, f"{name_of(result.atlas)}{files.SUFFIX}")),
        tab.keep: gr.update(interactive=True, value="Keep in the library"),
        frame.status: frame.status_now(),
    }


def measure(frame: Frame, tab: AtlasTab, visitor: Visitor, scale: float) -> Iterator[Updates]:
    """Measure effects of the atlas that is shown at a relative scale: KL, and the swing where it was made on a choice
    set; yields updates. Raises PlaygroundError.
    """
    state = AtlasState.of(visitor)
    if state.atlas is None:
        raise InputError("Expected an atlas to measure, got none; compute or open one first.")
    begun = plain = state.atlas
    choices = choices_of(plain)
    requests: list[EffectsRequest | SwingRequest] = [EffectsRequest(scale)]
    if choices is not None:
        requests.append(SwingRequest(choices, scale))

    def work(model: LoadedModel, context: Any) -> Atlas:
        made = plain
        for number, request in enumerate(requests):
            try:
                made = measure_effects(model, made, request, context.emit, context.cancelled)
            except Cancelled:
                if number == 0:
                    raise
        return made

    job = frame.start(visitor, "measuring an atlas", work)
    for batch in follow(job, REDRAW):
        updates: Updates = {frame.status: frame.status_now(visitor)}
        progress = [event for event in batch if isinstance(event, EffectsProgress)]
        if state.atlas is not begun:
            return  # another one is shown
        if progress:
            newest = progress[-1]
            begun = newest.so_far
            state.renew(begun)
            said = f"{newest.name} · {newest.done} of {newest.total} sources · {seconds(newest.seconds)}{to_go(newest)}"
            updates |= {tab.progress: markup.run_line(said), tab.map: drawn(state, newest.name)}
        yield updates
    made, cell = job.result(), state.cell
    name = next((request.name for request in reversed(requests) if request.name in made.effects), None)
    state.renew(made)
    yield {**_shown(tab, visitor, made, name), frame.status: frame.status_now()}
    if cell is not None and name is not None:
        yield chosen(tab, visitor, cell, name)


def show(frame: Frame, tab: AtlasTab, visitor: Visitor, made: Atlas) -> Updates:
    """Updates that show an atlas in the first of its colours, compared with no other."""
    AtlasState.of(visitor).show(made)
    return _shown(tab, visitor, made) | _compared_with_none(frame, tab, visitor, made)


def compare(tab: AtlasTab, visitor: Visitor, other: Atlas | None) -> Updates:
    """Updates that colour the map by how another model's atlas differs from it; None: no longer. Raises InputError for
    one that it cannot be compared with.
    """
    state = AtlasState.of(visitor)
    if state.atlas is None:
        raise InputError("Expected an atlas to compare, got none; compute or open one first.")
    changes = {} if other is None else difference(state.atlas, other)
    state.compare(changes)
    colour = next(iter(state.colours))
    said = "" if other is None else comparison_html(state.atlas, other, changes)
    updates: Updates = {
        **coloured(tab, visitor, colour),
        tab.colour: gr.update(choices=choices(state.colours), value=colour),
        tab.compared: said,
        tab.other_notice: "" if other is None else markup.notice(f"the map shows how {name_of(other)} differs", "info"),
    }
    if state.cell is not None:
        updates[tab.cell] = cell_panel.cell_html(state, state.cell)
    return updates


def comparison_html(shown: Atlas, other: Atlas, changes: Mapping[Pair, PairDifference]) -> str:
    """What changed most, and the command that says it of all pairs."""
    alike = ""
    if shown.origin.fingerprint == other.origin.fingerprint:
        alike = " Both are atlases of one model: this is what their seeds and settings make of it."
    said = f"{name_of(other)} beside {name_of(shown)}: {changed_most(changes)}{alike}"
    return (
        f'<p class="sp-caption" role="status">{markup.escape_sentence(said)}</p>'
        f"{markup.command(commands.compare_atlases_command(name_of(shown), name_of(other)))}"
    )


def _shown(tab: AtlasTab, visitor: Visitor, made: Atlas, colour: str | None = None) -> Updates:
    """Updates that show the atlas of the session, in the first of its colours where none of them is asked for."""
    state = AtlasState.of(visitor)
    colours = state.colours
    colour = colour if colour in colours else next(iter(colours))
    return {
        tab.map: drawn(state, colour),
        tab.colour: gr.update(choices=choices(colours), value=colour),
        tab.about: explained(colour, colours),
        tab.effects: gr.update(interactive=True, value=_offered(made)),
        tab.cell: cell_panel.WAITING,
        tab.download: offer(visitor, f"{name_of(made)}{files.SUFFIX}", partial(files.save, made)),
    }


def coloured(tab: AtlasTab, visitor: Visitor, colour: str) -> Updates:
    """Updates that colour the map that is shown."""
    state = AtlasState.of(visitor)
    return {tab.map: drawn(state, colour), tab.about: explained(colour, state.colours)}


def chosen(tab: AtlasTab, visitor: Visitor, pair: Pair, colour: str) -> Updates:
    """Updates that show a cell. Raises FileError for one that the atlas does not have."""
    state = AtlasState.of(visitor)
    if state.atlas is None:
        return {tab.cell: markup.empty("Cells can be opened when the map is whole.")}
    html = cell_panel.cell_html(state, pair)
    state.cell = pair
    return {tab.cell: html, tab.map: drawn(state, colour)}


def name_of(made: Atlas) -> str:
    """The name an atlas is offered under."""
    return made.name or made.origin.prompt_set or "prompts"


def _offered(made: Atlas) -> str:
    """What the button of effects says."""
    return "Measure KL at r =" if choices_of(made) is None else "Measure KL and swing at r ="


def _compared_with_none(frame: Frame, tab: AtlasTab, visitor: Visitor, made: Atlas | None) -> Updates:
    others = other_choices(frame, visitor, made)
    return {
        tab.other: gr.update(choices=others, value="", visible=len(others) > 1),
        tab.other_notice: "",
        tab.compared: "",
    }


def _emptied(frame: Frame, tab: AtlasTab, visitor: Visitor) -> Updates:
    return {
        **_compared_with_none(frame, tab, visitor, None),
        tab.cell: cell_panel.WAITING,
        tab.repeat: "",
        tab.colour: gr.update(choices=choices(COLOURS), value=GAIN),
        tab.about: explained(GAIN),
        tab.effects: gr.update(interactive=False),
        tab.keep: gr.update(interactive=False, value="Keep in the library"),
        tab.download: gr.update(value=None, interactive=False),
    }


def _progress_line(event: AtlasProgress) -> str:
    done = event.pairs - event.unfinished
    return f"{done} of {event.pairs} pairs · {seconds(event.seconds)}{to_go(event)}"


def _result_line(request: AtlasRequest, result: AtlasResult) -> str:
    known = len(result.atlas.pairs)
    stopped = f"stopped: {known} of {request.pairs} pairs are known · " if result.cancelled else ""
    left = f" · {result.unfinished} not converged" if result.unfinished else ""
    return f"{stopped}{known} pairs, {result.atlas.k} vectors each · {seconds(result.seconds)} of computation{left}"
