"""Runs measurements and comparisons, and draws their results while they run."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any, Protocol, runtime_checkable

from playground.analyses.choices.result import MeasureResult
from playground.analyses.choices.side_effects import SideEffectProgress, judge, neutral_set
from playground.analyses.common.labels import UNLABELLED
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.compare.run import Comparison, compare
from playground.analyses.next_token.run import Shifts, ShiftsProgress
from playground.model.load import LoadedModel
from playground.services.command import compare_command
from playground.services.durations import to_go
from playground.services.estimates import learn, work_of_measure
from playground.services.jobs import Job, JobContext
from playground.services.measure import measure
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.markup import command, notice, run_line
from playground.ui.kit.running import follow, seconds, waiting_line
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import current, keep, leaderboard, show, tables, view
from playground.ui.measure.components import MeasureTab
from playground.ui.measure.form import MeasureForm
from playground.ui.measure.state import MeasureState
from playground.ui.measure.tables import ended

REDRAW = 0.25
"""Seconds between two updates of the progress line."""
PLOTS = 1.5
"""Seconds between two of the main plot: drawing takes the time of the processor that measures."""

Updates = dict[Any, Any]


@runtime_checkable
class Progress(Protocol):
    """Progress event of a measurement, of whatever analysis. It may have the `result` so far."""

    @property
    def done(self) -> float: ...

    @property
    def total(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def seconds_to_go(self) -> float | None: ...

    @property
    def longer(self) -> bool: ...


def run(frame: Frame, tab: MeasureTab, visitor: Visitor, form: MeasureForm) -> Iterator[Updates]:
    """Runs what the form asks for; yields updates of the page. Raises PlaygroundError for what cannot be measured."""
    yield from _RUNS[form.analysis.over](frame, tab, visitor, form)


def _over_scales(frame: Frame, tab: MeasureTab, visitor: Visitor, form: MeasureForm) -> Iterator[Updates]:
    state = MeasureState.of(visitor)
    loaded, load, analysis = frame.loaded, frame.load_set(visitor), form.analysis
    request = form.request(form.choice.whole(visitor), load)
    job: Job[ScalesResult] = frame.start(
        visitor,
        "measuring",
        lambda model, context: measure(model, request, load, context.emit, context.cancelled),
    )
    shown, drawn = False, 0.0
    for batch in follow(job, REDRAW):
        updates: Updates = {frame.status: frame.status_now(visitor), **_waiting(tab, batch)}
        events = [event for event in batch if isinstance(event, Progress)]
        results = [getattr(event, "result", None) for event in batch]
        partial: ScalesResult | None = next((each for each in reversed(results) if each is not None), None)
        if batch and not shown and not _waiting(tab, batch):
            shown, state.result = True, None
            updates |= tab.cleared(analysis)
        if events:
            updates[tab.progress] = run_line(_progress(events[-1]))
        if partial is not None and time.monotonic() - drawn >= PLOTS:
            labels = view.labels_now(frame, visitor, partial)
            updates |= show.main(tab, partial, view.best(partial), labels=labels)
            drawn = time.monotonic()
        yield updates
    result = job.result()
    if not result.cancelled:
        learn(loaded, work_of_measure(loaded, request), result.seconds)
    current.look_at(visitor, result)
    yield current.shown(frame, tab, visitor, result)
    compared, failed = leaderboard.comparable(result), None
    if form.leaderboard and state.board and compared is not None and not result.cancelled:
        whole: ScalesResult = result
        try:
            whole = yield from _judge(frame, tab, visitor, compared)
        except Exception as error:  # raised below: what was measured before it is offered without side effects
            failed = error
        yield _shown_whole(frame, tab, visitor, result, whole)
    # Once all of it is known: the file is to hold the side effects too.
    yield keep.offered(frame, tab, visitor)
    if failed is not None:
        raise failed


def _shown_whole(
    frame: Frame, tab: MeasureTab, visitor: Visitor, result: ScalesResult, whole: ScalesResult
) -> Updates:
    """Updates of the leaderboard, for a result that has its side effects now (`whole`); of everything where the visitor
    opened another measurement meanwhile.
    """
    state = MeasureState.of(visitor)
    if state.result is result:
        current.judged(visitor, whole)
        labels = view.labels_now(frame, visitor, whole, state.before)
        return {tab.table: tables.beneath(visitor, labels=labels), tab.progress: ended(whole)}
    current.look_at(visitor, whole)
    return {**tab.cleared(whole.analysis), **current.shown(frame, tab, visitor, whole)}


def _judge(
    frame: Frame, tab: MeasureTab, visitor: Visitor, result: MeasureResult
) -> Generator[Updates, None, MeasureResult]:
    """Side effects and coherence of every direction, for the leaderboard: the result with them."""
    load, neutral = frame.load_set(visitor), neutral_set(frame.loaded)
    job = frame.start(
        visitor,
        "looking for side effects",
        lambda model, context: judge(model, result, load, context.emit, context.cancelled),
    )
    for batch in follow(job, REDRAW):
        events = [event for event in batch if isinstance(event, SideEffectProgress)]
        updates: Updates = {frame.status: frame.status_now(visitor), **_waiting(tab, batch)}
        if events:
            line = f"side effects on {neutral.name}: {events[-1].done} of {events[-1].total} directions"
            updates[tab.progress] = run_line(line)
        yield updates
    return job.result()


def _over_mix(frame: Frame, tab: MeasureTab, visitor: Visitor, form: MeasureForm) -> Iterator[Updates]:
    loaded, load, analysis = frame.loaded, frame.load_set(visitor), form.analysis
    request = form.request(form.choice.whole(visitor), load)
    job: Job[Shifts] = frame.start(
        visitor,
        "following the next token",
        lambda model, context: measure(model, request, load, context.emit, context.cancelled),
    )
    shown, labels = False, UNLABELLED
    for batch in follow(job, REDRAW):
        updates: Updates = {frame.status: frame.status_now(visitor), **_waiting(tab, batch)}
        events = [event for event in batch if isinstance(event, ShiftsProgress)]
        if events:
            if not shown:
                shown, MeasureState.of(visitor).result = True, None
                updates |= tab.cleared(analysis)
                labels = view.labels_now(frame, visitor, events[-1].result)
            updates |= show.shifted(tab, events[-1].result, labels)
            updates[tab.progress] = run_line(_progress(events[-1], f" {analysis.counts}s"))
        yield updates
    seen = job.result()
    if not seen.cancelled:
        learn(loaded, work_of_measure(loaded, request), seen.seconds)
    current.look_at(visitor, seen)
    yield {**current.shown(frame, tab, visitor, seen), **keep.offered(frame, tab, visitor)}


def _compare(frame: Frame, tab: MeasureTab, visitor: Visitor, form: MeasureForm) -> Iterator[Updates]:
    chosen = form.chosen(lambda name: frame.any_set(visitor, name))

    def work(model: LoadedModel, context: JobContext) -> Comparison:
        return compare(chosen, lambda share: context.emit(_Share(share)), context.cancelled)

    job = frame.start(visitor, "comparing sets", work)
    for batch in follow(job, REDRAW):
        yield {frame.status: frame.status_now(visitor), **_waiting(tab, batch)}
    seen = job.result()
    MeasureState.of(visitor).result = None
    rows = sum(len(compared.rows) for compared in seen.sets)
    yield {
        **tab.cleared(form.analysis),
        **show.compared(tab, seen),
        tab.repeat: _compare_command(seen),
        tab.progress: run_line(f"{rows} vectors, {len(seen.sets)} {'set' if len(seen.sets) == 1 else 'sets'}"),
    }


def _compare_command(seen: Comparison) -> str:
    if any(compared.name == NOT_SAVED for compared in seen.sets):
        return notice("It compared a set that is not saved: save it in Discover, and compare again.", "info")
    return command(compare_command([(compared.name, compared.rows) for compared in seen.sets]))


class _Share:
    """Progress event of a comparison, for the status line."""

    def __init__(self, share: float) -> None:
        self.share = share


_RUNS = {"scales": _over_scales, "mix": _over_mix, "sets": _compare}


def _waiting(tab: MeasureTab, batch: list[object]) -> Updates:
    line = waiting_line(batch)
    return {} if line is None else {tab.progress: run_line(line)}


def _progress(event: Progress, unit: str = "") -> str:
    """The progress of a run: how much is done, for how long it has run, and the time to go."""
    return f"{int(event.done)} of {event.total}{unit} · {seconds(event.seconds)}{to_go(event)}"
