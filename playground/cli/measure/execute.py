"""Running `measure`: read what the options name, load the model, measure, write and report."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from playground.cli.measure.options import asked_set, check, kind_of
from playground.cli.outcome import Outcome
from playground.cli.terminal import Progress, stoppable, tell

if TYPE_CHECKING:
    from playground.analyses.common.document import Result
    from playground.analyses.common.labels import Labels


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    from playground.analyses.common.labels import labels_of
    from playground.cli.measure import choices, exact, leaderboard, next_token, replies
    from playground.cli.models import load_quietly, load_set
    from playground.cli.prompts import tell_notes
    from playground.library import prompts

    kinds = {"choices": choices, "exact": exact, "replies": replies, "next-token": next_token}
    kind = kinds[kind_of(options)]
    # Read before the model is loaded: a name that is wrong should not cost a minute.
    asked = prompts.read(asked_set(options))
    tell_notes(asked)
    sets = {source: load_set(source) for source in kind.sources(options)}
    request = kind.asked(options, asked, sets)
    progress = Progress()
    loaded = load_quietly(options, progress)
    with stoppable() as stopped:
        try:
            result = kind.measure(
                loaded, request, sets.__getitem__, lambda event: progress.show(kind.line(event)), stopped
            )
            if options.leaderboard:
                result = leaderboard.with_side_effects(loaded, result, sets.__getitem__, progress, stopped)
        finally:
            progress.clear()
    for warning in result.warnings:
        tell(f"warning: {warning}")
    _write(options, result, labels_of(result.sets, sets.__getitem__))
    if result.cancelled:
        tell(f"stopped; {kind.kept(result)}.")
    written = "" if options.out is None else f"\n\nwritten to {options.out}"
    data = kind.data(result) | {"file": None if options.out is None else str(options.out)}
    incomplete = result.cancelled or (options.leaderboard and result.side_effects is None)
    return Outcome(data, kind.text(result) + written, interrupted=incomplete)


def _write(options: argparse.Namespace, result: Result, labels: Labels) -> None:
    from playground.analyses.common import measurements, numbers
    from playground.analyses.common.document import to_document
    from playground.library.atomic import write_atomically

    if options.out is not None and options.out.suffix == ".json":
        write_atomically(options.out, measurements.to_bytes(to_document(result)))
    elif options.out is not None:
        write_atomically(options.out, numbers.row_csv(result, labels).encode())
    if options.items_out is not None:
        write_atomically(options.items_out, numbers.item_csv(result, labels).encode())
