"""Runs `measure`: reads prompts and vector sets, loads the model, measures, writes files and reports."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.measure.options import analysis_of, asked_set, check
from playground.cli.outcome import Outcome, write_out
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import Cancelled
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.analyses.choices.result import MeasureResult
    from playground.analyses.common.labels import Labels
    from playground.analyses.common.result import Measurement
    from playground.library.mix import LoadSet
    from playground.model.load import LoadedModel


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    from playground.analyses.common.labels import labels_of
    from playground.cli.estimates import tell_expected
    from playground.cli.measure.request import request_of, sources
    from playground.cli.models import load_quietly, load_sets
    from playground.cli.prompts import tell_notes
    from playground.library import prompts
    from playground.services.estimates import learn, work_of_measure
    from playground.services.measure import measure

    analysis = analysis_of(options)
    asked = prompts.read(asked_set(options))
    tell_notes(asked)
    sets = load_sets(sources(options))
    request = request_of(options, asked, sets)
    progress = Progress()
    loaded = load_quietly(options, progress)
    work = work_of_measure(loaded, request)
    tell_expected(progress, loaded, work)
    with stoppable(progress) as stopped:
        result = measure(
            loaded, request, sets.__getitem__, lambda event: progress.show(_line(analysis.counts, event)), stopped
        )
        if not result.cancelled:
            learn(loaded, work, result.seconds)
        if options.leaderboard:
            result = _with_side_effects(loaded, result, sets.__getitem__, progress, stopped)
    for warning in result.warnings:
        tell(f"warning: {warning}")
    _write(options, result, labels_of(result.sets, sets.__getitem__))
    if result.cancelled:
        tell(f"stopped; {result.complete}.")
    written = "" if options.out is None else f"\n\nwritten to {options.out}"
    data = result.facts() | result.about() | {"file": None if options.out is None else str(options.out)}
    incomplete = result.cancelled or (options.leaderboard and result.side_effects is None)
    return Outcome(data, "\n".join(result.lines()) + written, interrupted=incomplete)


def _line(counts: str, event: Any) -> str:
    return f"{counts} {event.done:.0f} of {event.total} · {event.seconds:.0f} s{to_go(event)}"


def _with_side_effects(
    loaded: LoadedModel, result: MeasureResult, load_set: LoadSet, progress: Progress, stopped: Callable[[], bool]
) -> MeasureResult:
    """The result with the side effects of its vectors, or as it was after a cancel."""
    from playground.analyses.choices.side_effects import judge

    if result.cancelled:
        return result
    try:
        return judge(
            loaded, result, load_set, lambda event: progress.show(f"side effect {event.done} of {event.total}"), stopped
        )
    except Cancelled:
        progress.clear()
        tell("stopped; the measurement is complete, its side effects are left out.")
        return result


def _write(options: argparse.Namespace, result: Measurement, labels: Labels) -> None:
    from playground.analyses.common import measurements, numbers
    from playground.library.atomic import write_atomically

    def write(path: Path, data: bytes) -> None:
        write_out(path, partial(write_atomically, data=data))

    if options.out is not None and options.out.suffix == ".json":
        write(options.out, measurements.to_bytes(result.to_dict()))
    elif options.out is not None:
        write(options.out, numbers.row_table(result, labels, options.out.suffix).encode())
    if options.items_out is not None:
        write(options.items_out, numbers.item_table(result, labels, options.items_out.suffix).encode())
