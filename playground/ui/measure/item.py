"""Opening an item by a click on its point or row: its card, with the text that the model generates there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.scales_result import ScalesResult
from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, ContrastPair
from playground.library.recipe import Recipe, rounded
from playground.model.generation.generate import Sampling
from playground.services.generate import GenerateProgress, GenerateRequest, generate
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.mix import mix_of
from playground.ui.kit.pick import Load, native_norm
from playground.ui.kit.running import EVENT, UNCHECKED, follow, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import show, tables
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.state import Look, MeasureState
from playground.ui.measure.view import labels_now, named, place_of, row_at

TOKENS = 40
"""New tokens of the text at an item: enough to see whether what the number says survives generation."""
REDRAW = 0.2


def wire(frame: Frame, tab: MeasureTab) -> None:
    private: dict[str, Any] = {**EVENT, **UNCHECKED}
    jobs: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_limit": 16, "concurrency_id": "jobs"}
    shown = [*tab.figures.outputs, tab.look, tab.look_box, tab.items]

    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_point(event: gr.EventData, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor, action = frame.visitor(request), acted(event)
        state = MeasureState.of(visitor)
        if action.get("act") == "steer":
            yield _to_steer(frame, visitor)
            return
        if action.get("act") == "sort":
            labels = labels_now(frame, visitor, state.result, state.before)
            yield {tab.table: tables.beneath(visitor, action.get("key", ""), labels)}
            return
        result = _result(visitor)
        look, before = look_of(result, action.get("point", "")), state.beside(result)
        moved = state.look is None or look.name != state.look.name
        kept = state.look.item if state.look is not None else None
        state.look = look if look.item is not None else Look(look.name, look.place, kept)
        labels = labels_now(frame, visitor, result, before)
        updates = show.looked(tab, result, state.look, labels)
        updates |= show.over_scales(tab, result, state.look, before, labels, only=None if moved else "sets")
        yield updates
        if state.look.item is not None:
            yield from _open(frame, tab, visitor, result, state.look)

    written = [tab.notice, tab.item, tab.table, *shown, frame.status, *frame.steer_outputs]
    for part in (tab.item, tab.items, tab.table):
        part.act(on_point, None, written, **jobs, **private)

    @quick
    def on_look(name: str | None, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        state = MeasureState.of(visitor)
        result = _result(visitor)
        before = state.beside(result)
        if name is None or name not in named(result):
            raise InputError(f"Expected a measured vector to look at, got “{name}”; choose one of the list.")
        state.look = Look(name, state.look.place if state.look is not None else 0)
        labels = labels_now(frame, visitor, result, before)
        return {
            **show.over_scales(tab, result, state.look, before, labels),
            **show.noted(tab, result, state.look, "measurement", labels),
            **show.looked(tab, result, state.look, labels),
        }

    tab.look.input(on_look, tab.look, shown, **private)


def look_of(result: ScalesResult, point: str) -> Look:
    """The point in customdata "CURVE|PLACE OF THE SCALE|ITEM". Raises InputError for what was not measured."""
    name, _, rest = point.partition("|")
    place, _, item = rest.partition("|")
    right = place.isdecimal() and (not item or item.isdecimal())
    look = Look(name, int(place), int(item) if item else None) if right else None
    if look is None or row_at(result, look) is None or (look.item is not None and place_of(result, look.item) is None):
        raise InputError("Expected a point of this measurement, got another one; measure again, or click another.")
    return look


def recipe_of(result: ScalesResult, look: Look, load: Load) -> Recipe:
    """The recipe of what was added at a point; empty at scale 0. Raises what `load`, called for averages, raises."""
    row = row_at(result, look)
    assert row is not None, "look_of refuses a point without a row"
    vector = next(each for each in result.request.vectors if str(each) == look.name)
    return Recipe((vector.component(rounded(_amount(vector, row.scale, load))),)) if row.scale != 0 else Recipe()


def _amount(vector: MeasuredVector, norm: float, load: Load) -> float:
    """The amount of a component of that norm: the norm itself for a row, a multiple for an average."""
    return norm if vector.mean is None else norm / native_norm(vector.source, vector.mean, load(vector.source))


def _open(
    frame: Frame, tab: MeasureTab, visitor: Visitor, result: ScalesResult, look: Look
) -> Iterator[dict[Any, Any]]:
    """Updates of the item's card; where it has no text, with the text that the model generates there, as it comes."""
    state = MeasureState.of(visitor)
    labels = labels_now(frame, visitor, result)
    yield {tab.item: tables.item_card(result, look, None, None, labels)}
    row, place = row_at(result, look), place_of(result, look.item)
    assert row is not None, "look_of refuses a point without a row"
    assert place is not None, "look_of refuses an item that was not measured"
    if result.item_texts(row, place) is not None:
        return
    load = frame.load_set(visitor)
    recipe = recipe_of(result, look, load)
    request = GenerateRequest(
        prompts=(result.questions[place][1],),
        format=result.request.format,
        recipes=(recipe,) if recipe.components else (),
        positions=result.request.positions,
        sampling=Sampling(max_new_tokens=TOKENS),
    )
    job = frame.start(
        visitor, "generating at an item", lambda model, context: generate(
            model, request, load, context.emit, context.cancelled
        ),
    )
    for batch in follow(job, REDRAW):
        events = [event for event in batch if isinstance(event, GenerateProgress)]
        updates: dict[Any, Any] = {frame.status: frame.status_now(visitor)}
        if events and state.look == look:
            texts = events[-1].texts
            updates[tab.item] = tables.item_card(result, look, texts[0], texts[-1], labels)
        yield updates
    rows = job.result().rows
    if state.look == look:
        yield {tab.item: tables.item_card(result, look, rows[0].text, rows[-1].text, labels)}


def _to_steer(frame: Frame, visitor: Visitor) -> dict[Any, Any]:
    """Updates that open Steer with the item as prompt, a choice's answers, and the chosen vector and scale. Raises
    InputError without an item.
    """
    result, look = _result(visitor), MeasureState.of(visitor).look
    if look is None or look.item is None:
        raise InputError("Expected an item to open in Steer, got none; click one first.")
    load = frame.load_set(visitor)
    recipe, asked = recipe_of(result, look, load), result.request.asked
    item = asked.items[look.item]
    assert not isinstance(item, ContrastPair), "no analysis over scales asks pairs"
    return frame.open_in_steer(
        visitor,
        mix_of(recipe, load),
        answers=(item.matching, item.other) if isinstance(item, ChoiceItem) else None,
        prompt=item if isinstance(item, str) else item.question,
        format=result.request.format,
        positions=result.request.positions,
    )


def _result(visitor: Visitor) -> ScalesResult:
    """The result over scales that is shown. Raises InputError while there is none."""
    result = MeasureState.of(visitor).result
    if not isinstance(result, ScalesResult):
        raise InputError("Expected a measurement to look at, got none any more; press Measure again.")
    return result
