"""python -m playground evidence: repeat the published experiments on a model, into a folder with one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from playground.cli.outcome import Outcome, check_out
from playground.cli.parser import add_json, add_model, one_of, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import InputError

SUMMARY = "repeat the published experiments on a model, and write a page with figures and numbers"
DESCRIPTION = (
    "Methods on a choice set, the Jacobian at a steered point, MELBO beside singular vectors, orthogonal copies, and\n"
    "what predicts an effect; each beside random directions, with intervals, and for every published finding whether\n"
    "it is seen. Finished stages are kept in the folder and not run again; Ctrl-C keeps them too."
)
STAGES = ("choices", "steered", "melbo", "copies", "effects")
SIZES = ("small", "quick", "usual")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write the page into")
    parser.add_argument(
        "--size", metavar="NAME", default="usual", type=one_of("a size", SIZES),
        help="usual: minutes on the shipped model, up to an hour on one of 135M; quick: a sixth of it; small: a trial",
    )  # fmt: skip
    parser.add_argument(
        "--only", metavar="STAGE", type=one_of("a stage", STAGES), help=f"run this stage only: {', '.join(STAGES)}"
    )
    parser.add_argument("--seed", metavar="N", default=0, type=whole("a seed", 0), help="of everything drawn (0)")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.models import load_quietly
    from playground.services.evidence.request import request_for
    from playground.services.evidence.run import evidence

    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"Expected a folder after --out, got the file {options.out}; choose another name.")
    check_out(options.out / "evidence.md", "evidence.md")
    progress = Progress()
    loaded = load_quietly(options, progress)
    stages = STAGES if options.only is None else (options.only,)
    request = request_for(loaded, options.size, options.seed, stages)
    with stoppable(progress) as stopped:
        done = evidence(loaded, request, options.out, progress.show, stopped)
    if done.cancelled:
        tell(f"stopped; {options.out} holds the stages that are finished.")
    data = {
        "folder": str(options.out),
        "page": str(options.out / "evidence.md"),
        "ran": list(done.ran),
        "finished": list(done.stages),
        "findings": done.findings,
    }
    lines = [f"{one['verdict']:>27}  {one['claim']}" for one in done.findings]
    return Outcome(data, "\n".join([*lines, f"written to {options.out / 'evidence.md'}"]), interrupted=done.cancelled)
