"""python -m playground calibrate: found scales and linear radii of vectors, written into their set."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome
from playground.cli.parser import add_json, add_model, one_of, whole
from playground.cli.scales import scales_line
from playground.cli.sets import add_set
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import Cancelled
from playground.limits import at_most, limits

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.model.load import LoadedModel

SUMMARY = "find the scales at which vectors begin to tell and break, and how far they are linear"
DESCRIPTION = (
    "For every vector of a set and its negative, on prompts that the set was found on: the onset, from which greedy\n"
    "text differs from the baseline; the break, from which it is no longer text; and between them the found scale,\n"
    "1f in recipes. And the radius R at which ‖f(Rv) − f(0) − R·Jv‖ is half of ‖R·Jv‖, up to which it is about\n"
    "linear. Both are written into the set; large sets are kept block by block, and Ctrl-C keeps what there is."
)
WHAT = ("both", "scales", "radii")
SIGNS = ("+", "−")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("vectors")
    add_set(group)
    group.add_argument(
        "--what", metavar="NAME", default="both", type=one_of("what to measure", WHAT),
        help="scales, radii or both (both)",
    )  # fmt: skip
    group.add_argument(
        "--texts-on", metavar="N", dest="scale_prompts", default=3,
        type=whole("a number of prompts", 1, limits().look_prompts),
        help=f"look at texts on so many of the set's prompts, the shortest (3; {at_most(limits().look_prompts)})",
    )  # fmt: skip
    group.add_argument(
        "--new-tokens", metavar="N", default=32, type=whole("a number of new tokens", 4, limits().look_tokens),
        help=f"length of the texts in tokens (32; {at_most(limits().look_tokens)})",
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
    from playground.cli.models import load_for
    from playground.cli.outcome import check_out, write_out, write_so_far
    from playground.library import vector_set as files
    from playground.library.rows import check_rows, read_rows
    from playground.library.store import open_set, path_of

    vector_set = open_set(options.vectors)
    rows = check_rows(vector_set, read_rows(options.rows, vector_set))
    out = path_of(options.vectors) if options.out is None else options.out
    check_out(out, "calibrated.safetensors")
    progress = Progress()
    loaded = load_for(options, vector_set, progress)

    def keep(so_far: VectorSet) -> None:
        write_so_far(out, lambda path: files.save(_onto(out, so_far, options), path))

    with stoppable(progress) as stopped:
        found = _calibrated(loaded, vector_set, rows, options, progress, stopped, keep)
    interrupted = stopped()
    if found is vector_set:
        raise Cancelled("stopped before there was anything to keep")
    found = _onto(out, found, options)
    write_out(out, partial(files.save, found))
    if interrupted:
        tell(f"stopped; {out} holds what there is.")
    return Outcome(_data(out, found, rows), _text(out, found, rows, options), interrupted=interrupted)


def _onto(out: Path, found: VectorSet, options: argparse.Namespace) -> VectorSet:
    """The set as its file is now, where rows may have been named meanwhile, with the scales and radii of `found`."""
    from playground.library import vector_set as files

    if options.out is not None:
        return found
    names = ("onsets", "breaks", "found_scales", "scales_tried", "linear_radii")
    return replace(files.load(out), **{name: getattr(found, name) for name in names})


def _calibrated(
    loaded: LoadedModel,
    vector_set: VectorSet,
    rows: tuple[int, ...],
    options: argparse.Namespace,
    progress: Progress,
    stopped: Callable[[], bool],
    keep: Callable[[VectorSet], None],
) -> VectorSet:
    """The set with the scales and radii that were measured before a cancel; `vector_set` itself if there are none."""
    from playground.services.linearity import LinearityRequest, linearity, with_linear_radii
    from playground.services.scales import ScalesRequest, find_scales

    found = vector_set
    try:
        if options.what != "radii":
            scales = ScalesRequest(rows=rows, prompts=options.scale_prompts, tokens=options.new_tokens)
            found = find_scales(
                loaded, vector_set, scales, lambda event: progress.show(scales_line(event)), stopped, keep
            )
        if options.what != "scales" and not stopped():
            radii = LinearityRequest(source_set=vector_set, rows=rows, target=options.target)
            measured = linearity(loaded, radii, lambda share: progress.show(f"radii · {share:.0%}"), stopped)
            found = with_linear_radii(found, measured)
    except Cancelled:
        pass
    return found


def _data(out: Path, found: VectorSet, rows: tuple[int, ...]) -> dict[str, Any]:
    from playground.services.scales.facts import scales_data

    """The object that --json prints; radii are pairs of norms for the row and its negative, 0 where none is reached."""
    return {
        "file": str(out),
        "rows": list(rows),
        "residual_norm": found.origin.residual_norm,
        "scales": scales_data(found, rows),
        "linear_radii": None if found.linear_radii is None else found.linear_radii[list(rows)].tolist(),
    }


def _text(out: Path, found: VectorSet, rows: tuple[int, ...], options: argparse.Namespace) -> str:
    """Table of scales and radii relative to the reference norm, a line a row."""
    residual = found.origin.residual_norm
    lines = [
        f"relative scales (1 is {residual:.4g}): onset, found, break of the row and of its negative; – is beyond what "
        "was tried"
    ]
    columns = []
    if options.what != "radii":
        columns += [f"scales {sign}" for sign in SIGNS]
    if options.what != "scales":
        columns += [f"radius {sign}" for sign in SIGNS]
    lines.append("row " + "".join(f"{title:>20}" for title in columns))
    for row in rows:
        said = [_window(found, row, sign) for sign in (1, -1)] if options.what != "radii" else []
        if options.what != "scales":
            radii = (0.0, 0.0) if found.linear_radii is None else found.linear_radii[row].tolist()
            said += [f"{radius / residual:.3g}" if radius else "–" for radius in radii]
        lines.append(f"{row:3d} {''.join(f'{word:>20}' for word in said)}  {found.notes[row].label}".rstrip())
    return "\n".join([*lines, f"written to {out}"])


def _window(found: VectorSet, row: int, sign: int) -> str:
    window = found.window(row, sign)
    if window is None:
        return "not looked at"
    if window.noise:
        return "noise"
    residual = found.origin.residual_norm
    scales = (window.onset, window.found, window.break_)
    return " ".join("–" if scale is None else f"{scale / residual:.2g}" for scale in scales)
