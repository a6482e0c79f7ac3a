"""The mixer at work: rows come and go, sound alone and change their unit together.

The mix is kept on the server, and every row reports to it by itself: so a slider costs the same whatever the number of
rows. Six of them are there, hidden, from the beginning: a larger pool slows every event of the page down (24 rows made
a slider three times as slow). Rows beyond them are drawn when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from playground.errors import InputError, PlaygroundError
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.mix import MixRow
from playground.ui.kit.numbered import NEXT_JS
from playground.ui.kit.pick import FIRST, counts_native
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import mix_row, mixer
from playground.ui.steer.layout import NO_SETS, SteerTab, set_hint
from playground.ui.steer.mix_row import MixControls
from playground.ui.steer.state import SteerState
from playground.ui.widgets import vector_controls
from playground.ui.widgets.vector_controls import VALUES

AT_ONCE: dict[str, Any] = {"queue": False, **EVENT, **UNCHECKED}
"""For what only notes something down: Generate must not overtake it."""
NUMBERED = f"(first, ...others) => [[first, {NEXT_JS}], ...others]"
"""Puts a number to the first of the values."""
DRAWS: dict[str, Any] = {"concurrency_limit": None, **EVENT, **UNCHECKED}
"""For what shows the rows again. Only events of the queue tell the browser that a state has changed."""


def wire(frame: Frame, tab: SteerTab, follow: Any) -> None:
    """`follow` makes the plots follow an event (a listener) after which the mix may be another one."""
    for slot, controls in enumerate(tab.rows):
        _wire_row(frame, tab, controls, slot, follow)
    with tab.more:

        @gr.render(
            inputs=[tab.beyond], triggers=[tab.beyond.change], concurrency_limit=None, show_progress="hidden",
        )
        def draw(drawn: int, request: gr.Request) -> None:
            visitor = frame.visitor(request)
            state = SteerState.of(visitor)
            names, load = frame.set_choices(visitor), frame.load_set(visitor)
            _keep_handlers(visitor)
            for slot, row in sorted(state.mix.rows.items()):
                if slot >= mixer.POOL:
                    controls = mix_row.build(slot, row, names, load, state.mix.remark(slot))
                    _wire_row(frame, tab, controls, slot, follow, drawn)

    follow(tab.mixed.change)
    _wire_adding(frame, tab)

    @quick
    def on_units(units: str, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        SteerState.of(visitor).mix.count_in(mixer.is_absolute(units), frame.load_set(visitor))
        return tab.drawn(frame, visitor)

    tab.units.input(on_units, tab.units, tab.mix_outputs, **DRAWS)


def _keep_handlers(visitor: Visitor) -> None:
    """Keep the handlers of the rows drawn last for one drawing more: their last events may be under way, and Gradio
    answers events without a handler with an error that ends the page.
    """
    state = SteerState.of(visitor)
    renderable, there = LocalContext.renderable.get(), LocalContext.blocks_config.get()
    before = {number for number, function in there.fns.items() if function.rendered_in is renderable}
    for number in before - state.mix.handlers:
        there.fns[number].render_iteration = renderable.render_iteration
    state.mix.handlers = before


def library_updates(frame: Frame, tab: SteerTab, visitor: Visitor, names: Sequence[str]) -> dict[Any, Any]:
    """The rows again after the library changed: those whose set is gone are gone, a set just saved has its new name."""
    state = SteerState.of(visitor)
    load = frame.load_set(visitor)
    for key, row in list(state.mix.rows.items()):
        if row.set_name == NOT_SAVED and visitor.saved_as in names:
            state.mix.rows[key] = replace(row, set_name=visitor.saved_as)
        try:
            load(state.mix.rows[key].set_name)
        except PlaygroundError:
            del state.mix.rows[key]
    return {tab.hint: set_hint(frame, names), **tab.drawn(frame, visitor)}


def _wire_row(
    frame: Frame, tab: SteerTab, controls: MixControls, slot: int, follow: Any, drawn: int | None = None
) -> None:
    """`drawn` is the showing that a row beyond the pool was drawn for: later ones have drawn another in its place."""
    pick = controls.pick
    vector_controls.wire(frame, pick, tab.units)
    controls.flip.click(None, pick.scale, pick.scale, js="(scale) => -scale", **EVENT)

    def on_row(request: gr.Request, numbered: tuple[Any, int], *values: Any) -> Any:
        """Note down what the row says, and say what that is."""
        visitor, (first, number) = frame.visitor(request), numbered
        state = SteerState.of(visitor)
        row = state.mix.note(slot, dict(zip((*VALUES, "mute"), (first, *values), strict=True)), number, drawn)
        if row is None:
            return gr.skip()
        return row.strip(frame.load_set(visitor), state.mix.remark(slot))

    values = [*pick.values, controls.mute]
    changes = [value.change for value in values]
    noting = {"js": NUMBERED, "trigger_mode": "always_last", **AT_ONCE}
    follow(gr.on(changes, on_row, values, pick.strip, **noting).then)

    @quick
    def on_solo(alone: bool, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        SteerState.of(visitor).mix.play_alone(slot, bool(alone))
        return tab.drawn(frame, visitor)

    controls.solo.input(on_solo, controls.solo, tab.mix_outputs, **DRAWS)

    @quick
    def on_remove(request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        SteerState.of(visitor).mix.rows.pop(slot, None)
        return tab.drawn(frame, visitor)

    controls.remove.click(on_remove, None, tab.mix_outputs, **DRAWS)


def _wire_adding(frame: Frame, tab: SteerTab) -> None:
    def add(average: bool) -> Any:
        @quick
        def on_add(request: gr.Request) -> dict[Any, Any]:
            visitor = frame.visitor(request)
            names, mix = frame.set_choices(visitor), SteerState.of(visitor).mix
            if not names:
                raise InputError(NO_SETS)
            used = next((row.set_name for row in mix.all if row.set_name in names), names[0])
            vector_set = frame.load_set(visitor)(used)
            taken = {row.row for row in mix.all if row.set_name == used}
            free = next((str(row) for row in range(vector_set.rows) if str(row) not in taken), "0")
            row = FIRST if average and vector_set.rows > 1 else free
            mix.add(MixRow(used, row, native=counts_native(row, vector_set), absolute=mix.absolute))
            return tab.drawn(frame, visitor)

        return on_add

    tab.add_vector.click(add(average=False), None, tab.mix_outputs, **DRAWS)
    tab.add_average.click(add(average=True), None, tab.mix_outputs, **DRAWS)
