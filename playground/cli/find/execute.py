"""Runs `find`: reads the sets that the request names, loads the model, finds directions and writes the file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from playground.cli.find.report import data, line, text
from playground.cli.find.request import asked, check
from playground.cli.outcome import Outcome, check_out, write_out, write_so_far
from playground.cli.scales import scales_line
from playground.cli.terminal import Progress, stoppable, tell

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.services.find import FindResult
    from playground.services.scales import ScalesProgress


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    so_far_path: Path | None = getattr(options, "so_far", None)
    out: Path = so_far_path if so_far_path is not None and options.out is None else options.out
    check_out(out, "found.safetensors")
    from playground.cli.estimates import tell_expected
    from playground.cli.models import follow_model, load_quietly, load_sets
    from playground.library import vector_set
    from playground.services.estimates import learn, work_of_find, work_of_scales
    from playground.services.find import FindProgress, find, find_with_scales

    so_far = None if so_far_path is None else _so_far(so_far_path, options.first)
    request = asked(options, so_far)
    recipes = request.recipes().values() if so_far is None else ()
    sets = load_sets(source for recipe in recipes for source in recipe.sources)
    if so_far is not None:
        follow_model(options, so_far)
    progress = Progress()

    searched: list[ScalesProgress] = []

    def show(event: FindProgress | ScalesProgress) -> None:
        if isinstance(event, FindProgress):
            progress.show(line(event))
        else:
            searched[:] = [event]
            progress.show(scales_line(event))

    def keep(found: VectorSet) -> None:
        write_so_far(out, partial(vector_set.save, found))

    loaded = load_quietly(options, progress)
    work = work_of_find(loaded, request, 0 if so_far is None else so_far.rows)
    scales = work_of_scales(loaded, request.prompts, request.format, request.k)
    tell_expected(progress, loaded, work, scales if options.scales else None)
    with stoppable(progress) as stopped:
        job = find_with_scales if options.scales else find
        result = job(loaded, request, show, stopped, sets.__getitem__, keep, so_far)
    if not result.cancelled:
        learn(loaded, work, result.seconds)
    for event in searched:
        learn(loaded, scales, event.seconds, event.share)
    write_out(out, partial(vector_set.save, result.vector_set))
    if options.scales and stopped() and not result.cancelled:
        tell(f"stopped; {out} holds all vectors, and the scales that were found.")
    _tell_the_end(result, out)
    return Outcome(data(out, result), text(out, result), interrupted=stopped())


def _so_far(path: Path, first: int | None) -> VectorSet:
    from playground.library import vector_set
    from playground.services.find.continuing import first_rows

    whole = vector_set.load(path)
    return whole if first is None else first_rows(whole, first)


def _tell_the_end(result: FindResult, out: Path) -> None:
    rows = result.vector_set.rows
    converged = result.vector_set.origin.converged
    if converged is not None and result.cancelled:
        tell(f"stopped after step {result.steps}; {out} holds what there is, not converged.")
    elif converged is False:
        tell(f"not converged within {result.steps} steps, values may be off; residuals are in {out}.")
    elif result.cancelled:
        tell(f"stopped; {out} holds the {rows} vectors there are.")
    elif result.stopped == "effect":
        tell(f"stopped after {rows} vectors: the last batch keeps too little of the effect.")
    elif result.stopped == "space":
        tell(f"stopped after {rows} vectors: no dimension is left.")
