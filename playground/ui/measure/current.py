"""The measurement that is shown: its state, and the updates that show all of it, show it again, or rename vectors."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.analyses.common.labels import Labels
from playground.analyses.common.result import Measurement
from playground.analyses.common.scales_result import ScalesResult
from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import leaderboard, show, tables, view
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.state import MeasureState, drawable

Updates = dict[Any, Any]


def look_at(visitor: Visitor, result: Measurement) -> None:
    """Make a measurement, new or out of a file, the one that is shown. Raises InputError for one that is not drawn."""
    state = MeasureState.of(visitor)
    state.before = None
    state.look = view.best(result) if isinstance(result, ScalesResult) else None
    judged(visitor, result)


def judged(visitor: Visitor, result: Measurement) -> None:
    """Take a measurement for the one that is shown, with its leaderboard; the chosen vector and scale stay. Raises
    InputError for one that is not drawn.
    """
    state = MeasureState.of(visitor)
    state.result = drawable(result)
    state.board = leaderboard.entries_of(result)


def shown(frame: Frame, tab: MeasureTab, visitor: Visitor, result: Measurement) -> Updates:
    """Everything about a measurement that is there, new or out of a file."""
    state, result = MeasureState.of(visitor), drawable(result)
    labels = view.labels_now(frame, visitor, result, state.before)
    ended = {tab.progress: tables.ended(result), tab.table: tables.beneath(visitor, labels=labels)}
    if not isinstance(result, ScalesResult):
        # One curve, and no items: there is nothing to choose but what stands beside it.
        only = {tab.look: gr.update(visible=False), tab.look_box: gr.update(visible=True)}
        return show.shifted(tab, result, labels, state.beside(result)) | ended | only
    return {
        **show.over_scales(tab, result, state.look, state.beside(result), labels),
        **show.noted(tab, result, state.look, "measurement", labels),
        **show.looked(tab, result, state.look, labels),
        **ended,
    }


def relabelled(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """Everything with the name of a vector, where names were given elsewhere since it was shown; else nothing."""
    state = MeasureState.of(visitor)
    result, before = state.result, state.labels
    if result is None or view.labels_now(frame, visitor, result, state.before) == before:
        return {}
    return shown(frame, tab, visitor, result)


def relabelled_outputs(tab: MeasureTab) -> list[Any]:
    """What `relabelled` may write to."""
    return [*tab.figures.outputs, tab.look, tab.look_box, tab.items, tab.table, tab.progress]


def shown_again(frame: Frame, tab: MeasureTab, visitor: Visitor) -> Updates:
    """The plots of the measurement that is shown, and that it can be kept and downloaded, in an event of its own."""
    state = MeasureState.of(visitor)
    labels = view.labels_now(frame, visitor, state.result, state.before)
    return {
        **drawn(tab, visitor, labels),
        tab.keep_box: gr.update(visible=True),
        tab.keep: gr.update(interactive=True),
        tab.download: gr.update(value=state.file or None, interactive=bool(state.file)),
    }


def shown_again_outputs(tab: MeasureTab) -> list[Any]:
    """What `shown_again` may write to."""
    return [*tab.figures.outputs, tab.keep_box, tab.keep, tab.download]


def drawn(tab: MeasureTab, visitor: Visitor, labels: Labels) -> Updates:
    """The plots of the measurement that is shown, with the one drawn beside it; nothing where none is shown."""
    state = MeasureState.of(visitor)
    result = state.result
    if result is None:
        return {}
    if not isinstance(result, ScalesResult):
        return show.shift_plots(tab, result, labels, state.beside(result))
    return show.over_scales(tab, result, state.look, state.beside(result), labels)
