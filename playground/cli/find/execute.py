"""Running `find`: read what the request names, load the model, find, and write the file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from playground.cli.find.report import data, line, text
from playground.cli.find.request import asked, check
from playground.cli.outcome import Outcome, check_out
from playground.cli.scales import found_scales
from playground.cli.terminal import Progress, stoppable, tell

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.model.load import LoadedModel
    from playground.services.find import FindRequest, FindResult


def run(options: argparse.Namespace) -> Outcome:
    check(options)
    so_far_path = getattr(options, "so_far", None)
    out = so_far_path if options.out is None else options.out
    check_out(out, "found.safetensors")
    from playground.cli.models import follow_model, load_quietly
    from playground.library import vector_set
    from playground.services.find import find

    so_far = None if so_far_path is None else _so_far(so_far_path, options.first)
    request = asked(options, so_far)
    sets = _sets(request) if so_far is None else {}
    if so_far is not None:
        follow_model(options, so_far)
    progress = Progress()
    loaded = load_quietly(options, progress)
    with stoppable() as stopped:
        try:
            result = find(
                loaded,
                request,
                lambda event: progress.show(line(event)),
                stopped,
                load_set=sets.__getitem__,
                keep=lambda finished: vector_set.save(finished, out),
                so_far=so_far,
            )
            vector_set.save(result.vector_set, out)
            if options.scales and not result.cancelled:
                result = _with_scales(loaded, result, progress, stopped, out)
        finally:
            progress.clear()
    _tell_the_end(result, out)
    return Outcome(data(out, result), text(out, result), interrupted=stopped())


def _with_scales(
    loaded: LoadedModel, result: FindResult, progress: Progress, stopped: Callable[[], bool], out: Path
) -> FindResult:
    """The result with found scales, which are in the file too; after Ctrl-C with those there are."""
    from playground.library import vector_set
    from playground.services.scales import ScalesRequest

    def keep(so_far: VectorSet) -> None:
        vector_set.save(so_far, out)

    found = found_scales(loaded, result.vector_set, ScalesRequest(), progress, stopped, keep)
    keep(found)
    if stopped():
        tell(f"stopped; {out} holds all vectors, and the scales that were found.")
    return replace(result, vector_set=found)


def _so_far(path: Path, first: int | None) -> VectorSet:
    from playground.library import vector_set
    from playground.services.find.continuing import first_rows

    whole = vector_set.load(path)
    return whole if first is None else first_rows(whole, first)


def _sets(request: FindRequest) -> dict[str, VectorSet]:
    """The sets that recipes of the request name, read before the model: a wrong name should not cost a minute."""
    from playground.cli.models import load_set

    sources = [component.source for recipe in request.recipes().values() for component in recipe.components]
    return {source: load_set(source) for source in dict.fromkeys(sources)}


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
