"""Event handlers of the mixer: add, remove, edit, mute and solo rows, change their unit.

The mix is session state, and every row updates it by an event of its own, so a slider costs the same whatever the
number of rows. A pool of six hidden rows is built with the page: a larger one slows every event of the page down (with
24 rows a slider took three times as long). Rows beyond it are rendered when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.ui.kit.event_order import NUMBERED_JS
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.mix import MixRow
from playground.ui.kit.pick import FIRST, counts_native
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import mix_row, mixer, render_handlers
from playground.ui.steer.layout import NO_SETS, SteerTab, set_hint
from playground.ui.steer.mix_row import MixControls
from playground.ui.steer.state import SteerState
from playground.ui.widgets import vector_controls
from playground.ui.widgets.vector_controls import VALUES

AT_ONCE: dict[str, Any] = {"queue": False, **EVENT, **UNCHECKED}
"""Event options for a mere change of state: outside the queue, so that Generate cannot overtake it."""
DRAWS: dict[str, Any] = {**EVENT, **UNCHECKED}
"""Event options for redraws of the rows: in the queue, since only there a gr.State triggers its change event."""


def wire(frame: Frame, tab: SteerTab, follow: Any) -> None:
    """Attach the event handlers. `follow` takes a listener of an event that may change the mix, and makes it update the
    plots.
    """
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
            state.mix.handlers = render_handlers.keep_previous(state.mix.handlers)
            for slot, row in sorted(state.mix.rows.items()):
                if slot >= mixer.POOL:
                    controls = mix_row.build(slot, row, names, load, state.mix.remark(slot))
                    _wire_row(frame, tab, controls, slot, follow, drawn)

    follow(tab.mixed.change)
    _wire_adding(frame, tab)

    @quick
    def on_units(units: str, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        SteerState.of(visitor).mix.set_unit(mixer.is_absolute(units), frame.load_set(visitor))
        return tab.drawn(frame, visitor)

    tab.units.input(on_units, tab.units, tab.mix_outputs, **DRAWS)

    def step(forward: bool) -> Any:
        @quick
        def on_step(request: gr.Request) -> Any:
            visitor = frame.visitor(request)
            mix = SteerState.of(visitor).mix
            if not mix.step_back(forward, frame.load_set(visitor)):
                gr.Info(f"There is nothing to {'redo' if forward else 'undo'}.", title="Mix", duration=3)
                return gr.skip()
            return {tab.units: mixer.UNITS[mix.absolute], **tab.drawn(frame, visitor)}

        return on_step

    for button, forward in ((tab.undo, False), (tab.redo, True)):
        button.click(step(forward), None, [tab.units, *tab.mix_outputs], trigger_mode="multiple", **DRAWS)


def library_updates(frame: Frame, tab: SteerTab, visitor: Visitor, names: Sequence[str]) -> dict[Any, Any]:
    """Updates after the library changed: rows whose set is gone are removed, a set just saved gets its new name."""
    state = SteerState.of(visitor)
    load = frame.load_set(visitor)
    for key, row in list(state.mix.rows.items()):
        if row.set_name == NOT_SAVED and visitor.saved_as in names:
            state.mix.rows[key] = replace(row, set_name=visitor.saved_as)
        try:
            load(state.mix.rows[key].source)
        except PlaygroundError:
            del state.mix.rows[key]
    return {tab.hint: set_hint(frame, names), **tab.drawn(frame, visitor)}


def _wire_row(
    frame: Frame, tab: SteerTab, controls: MixControls, slot: int, follow: Any, drawn: int | None = None
) -> None:
    """Attach the event handlers of a row. `drawn` is the redraw in which a row beyond the pool was rendered, since a
    later one may have put another row in its place; None for a row of the pool.
    """
    pick = controls.pick
    vector_controls.wire(frame, pick, tab.units)
    controls.flip.click(None, pick.scale, pick.scale, js="(scale) => -scale", **EVENT)

    def on_row(request: gr.Request, numbered: tuple[Any, int], *values: Any) -> Any:
        """Store the values of the row, and return its small print."""
        visitor, (first, number) = frame.visitor(request), numbered
        state = SteerState.of(visitor)
        row = state.mix.update(slot, dict(zip((*VALUES, "mute"), (first, *values), strict=True)), number, drawn)
        if row is None:
            return gr.skip()
        strip = row.strip(frame.load_set(visitor), state.mix.remark(slot))
        # Of several at once the small print of the last one stays.
        return strip if state.mix.row_events.is_newest(slot, number) else gr.skip()

    values = [*pick.values, controls.mute]
    changes = [value.change for value in values]
    storing = {"js": NUMBERED_JS, "trigger_mode": "always_last", **AT_ONCE}
    follow(gr.on(changes, on_row, values, pick.strip, **storing).then)

    @quick
    def on_solo(alone: bool, request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        SteerState.of(visitor).mix.set_solo(slot, bool(alone))
        return tab.drawn(frame, visitor)

    controls.solo.input(on_solo, controls.solo, tab.mix_outputs, **DRAWS)

    @quick
    def on_remove(request: gr.Request) -> dict[Any, Any]:
        visitor = frame.visitor(request)
        removed = SteerState.of(visitor).mix.remove(slot)
        alone = removed is not None and removed.solo  # then the small print of all others changes
        return tab.drawn(frame, visitor, only=None if alone else slot)

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
            slot = mix.add(MixRow(used, row, native=counts_native(row, vector_set), absolute=mix.absolute))
            return tab.drawn(frame, visitor, only=slot)

        return on_add

    tab.add_vector.click(add(average=False), None, tab.mix_outputs, **DRAWS)
    tab.add_average.click(add(average=True), None, tab.mix_outputs, **DRAWS)
