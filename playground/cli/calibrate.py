"""python -m playground calibrate: how far vectors are linear, and scales to begin with, kept with their set."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome
from playground.cli.parser import add_json, add_model, one_of, real, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import Cancelled

if TYPE_CHECKING:
    from torch import Tensor

    from playground.library.vector_set import VectorSet
    from playground.model.load import LoadedModel

SUMMARY = "measure how far vectors are linear, and at which scale they begin to tell"
DESCRIPTION = (
    "For every vector of a set and its negative, on the prompts that the set was found on: the scale at which KL of\n"
    "the next token reaches a budget, a scale to begin with; and the radius R at which ‖f(Rv) − f(0) − R·Jv‖ is half\n"
    "of ‖R·Jv‖, up to which it is about linear. Both are written into the set; the page marks the scales on sliders."
)
WHAT = ("both", "scales", "radii")
SIGNS = ("+", "−")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("vectors")
    group.add_argument(
        "--vectors", metavar="FILE", required=True, help="a vector set: a file, or the name of a set in vectors/"
    )
    group.add_argument(
        "--rows", metavar="ROWS", default="all",
        help="all, starred, kept (what is not discarded), a range like 0-11, or numbers like 0,3,7 (all)",
    )  # fmt: skip
    group.add_argument(
        "--what", metavar="NAME", default="both", type=one_of("what to measure", WHAT),
        help="scales, radii or both (both)",
    )  # fmt: skip
    group.add_argument(
        "--budget", metavar="NATS", default=1.0, type=real("a budget in nats", 0, above=True),
        help="KL(steered ‖ baseline) of the next token at a suggested scale (1.0)",
    )  # fmt: skip
    group.add_argument(
        "--target", metavar="T", type=whole("a target layer", 0),
        help="block at whose output linearity is measured, for a set that has none",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="file to write (.safetensors); without it the set's own file"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.models import follow_model, load_quietly, load_set, path_of
    from playground.cli.outcome import check_out
    from playground.library import vector_set as files
    from playground.library.vector_set import check_fits
    from playground.services.scan.request import read_rows
    from playground.services.set_prompts import check_rows

    vector_set = load_set(options.vectors)
    rows = check_rows(vector_set, read_rows(options.rows, vector_set))
    out = path_of(options.vectors) if options.out is None else options.out
    check_out(out, "calibrated.safetensors")
    follow_model(options, vector_set)
    progress = Progress()
    loaded = load_quietly(options, progress)
    warning = check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    if warning is not None:
        tell(f"warning: {warning}")
    with stoppable() as stopped:
        try:
            found = _calibrated(loaded, vector_set, rows, options, progress, stopped)
        finally:
            progress.clear()
    interrupted = stopped()
    if found is vector_set:
        raise Cancelled("stopped before there was anything to keep")
    if options.out is None:  # names may have been given meanwhile
        found = replace(files.load(out), suggested_scales=found.suggested_scales, linear_radii=found.linear_radii)
    files.save(found, out)
    if interrupted:
        tell(f"stopped; {out} holds what there is.")
    return Outcome(_data(out, found, rows), _text(out, found, rows, options), interrupted=interrupted)


def _calibrated(
    loaded: LoadedModel,
    vector_set: VectorSet,
    rows: tuple[int, ...],
    options: argparse.Namespace,
    progress: Progress,
    stopped: Any,
) -> VectorSet:
    """The set with what was measured of it before it was stopped; the same object where that is nothing."""
    from playground.services.linearity import LinearityRequest, linearity, with_linear_radii
    from playground.services.suggest import suggested_scales

    found = vector_set

    def keep(scales: Tensor, done: int) -> None:
        nonlocal found
        found = replace(found, suggested_scales=scales)

    try:
        if options.what != "radii":
            suggested_scales(
                loaded, vector_set, options.budget, rows, lambda share: progress.show(f"scales · {share:.0%}"), stopped,
                keep,
            )  # fmt: skip
        if options.what != "scales":
            request = LinearityRequest(source_set=vector_set, rows=rows, target=options.target)
            measured = linearity(loaded, request, lambda share: progress.show(f"radii · {share:.0%}"), stopped)
            found = with_linear_radii(found, measured)
    except Cancelled:
        pass
    return found


def _data(out: Path, found: VectorSet, rows: tuple[int, ...]) -> dict[str, Any]:
    """The object that --json prints: pairs for the row and its negative, 0 where it is not reached."""
    return {
        "file": str(out),
        "rows": list(rows),
        "residual_norm": found.origin.residual_norm,
        "suggested_scales": _listed(found.suggested_scales, rows),
        "linear_radii": _listed(found.linear_radii, rows),
    }


def _listed(values: Tensor | None, rows: tuple[int, ...]) -> list[list[float]] | None:
    return None if values is None else values[list(rows)].tolist()


def _text(out: Path, found: VectorSet, rows: tuple[int, ...], options: argparse.Namespace) -> str:
    """For a person to read, in relative scale, as the sliders are."""
    residual = found.origin.residual_norm
    columns = {}
    if options.what != "radii":
        columns |= {f"scale {sign}": (found.suggested_scales, place) for place, sign in enumerate(SIGNS)}
    if options.what != "scales":
        columns |= {f"radius {sign}": (found.linear_radii, place) for place, sign in enumerate(SIGNS)}
    lines = [f"relative scales (1 is {residual:.4g}); – is beyond the largest that was tried"]
    lines.append("row " + "".join(f"{title:>10}" for title in columns))
    for row in rows:
        values = [0.0 if tensor is None else float(tensor[row, place]) for tensor, place in columns.values()]
        said = "".join(f"{f'{value / residual:.3g}' if value else '–':>10}" for value in values)
        lines.append(f"{row:3d} {said}  {found.notes[row].label}".rstrip())
    return "\n".join([*lines, f"written to {out}"])
