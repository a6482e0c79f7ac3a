"""python -m playground scan: a grid of texts, vectors × signs × scales × samples × prompts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome
from playground.cli.parser import add_json, add_model, add_positions, add_prompts, add_sampling, one_of
from playground.cli.sets import add_set
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import InputError
from playground.library.checks import UNITS
from playground.limits import limits
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.services.scan import ScanProgress, ScanRequest, ScanResult

SUMMARY = "generate with every vector, sign and scale, and see which texts say alike"
DESCRIPTION = (
    "Generate a text for every vector of a set, in both signs and at several scales, and the baselines beside them.\n"
    "Each comes with KL(steered ‖ baseline) of the next token, repetition, perplexity under the model as it is, and\n"
    "a flag for noise; texts that say alike are grouped. Ctrl-C keeps the texts that are whole."
)
SHOWN = 100  # characters of a text in the list for people; --json and --out have all of it
SIGNS = ("both", "plus", "minus")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("vectors")
    add_set(group)
    group.add_argument(
        "--signs", metavar="SIGNS", default="both", type=one_of("signs", SIGNS), help="both, plus or minus (both)"
    )
    group.add_argument(
        "--scales",
        metavar="X,…",
        help="scales, joined by commas (in f 0.5,1; in r 0.1,0.2, on the organism 0.3,0.5)",
    )
    group.add_argument(
        "--unit",
        metavar="UNIT",
        type=one_of("unit", UNITS),
        help="what scales count: f multiples of the scale found for each vector and sign, those without one left out; "
        "r multiples of the set's reference norm; a norms of what is added (r; f where scales were found and --scales "
        "is left out)",
    )
    add_positions(group, "the vector")
    add_prompts(parser, required=True)
    add_sampling(parser, tokens=48, samples="texts for each vector, sign, scale and prompt", most=limits().scan_samples)
    add_model(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="file to write (.json or .csv); one that exists is replaced"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.estimates import tell_expected
    from playground.cli.models import load_quietly
    from playground.cli.outcome import check_out, write_out
    from playground.library.store import open_set
    from playground.services.estimates import learn, work_of_scan
    from playground.services.scan import document, file, scan

    if options.out is not None:
        file.check_name(options.out)
        check_out(options.out, "scan.json")
    vector_set = open_set(options.vectors)  # before the model: a name that is wrong should not cost a minute
    request = asked(options, vector_set)
    request.signed_rows(vector_set)
    progress = Progress()
    loaded = load_quietly(options, progress)
    planned = work_of_scan(loaded, request, request.cells(len(request.signed_rows(vector_set))))
    tell_expected(progress, loaded, planned)
    with stoppable(progress) as stopped:
        result = scan(loaded, request, lambda _: vector_set, lambda event: progress.show(_line(event)), stopped)
    learn(loaded, work_of_scan(loaded, request, len(result.cells)), result.seconds)
    for warning in result.warnings:
        tell(f"warning: {warning}")
    if options.out is not None:
        write_out(options.out, lambda path: file.save(result, path, vector_set.notes))
    if result.cancelled:
        kept = "" if options.out is None else f"; {options.out} holds them"
        tell(f"stopped after {len(result.cells)} of {result.planned} texts{kept}.")
    text = _text(result)
    if options.out is not None:
        text += f"\n\nwritten to {options.out}"
    return Outcome(document.to_json(result, vector_set.notes), text, interrupted=result.cancelled)


def asked(options: argparse.Namespace, vector_set: VectorSet) -> ScanRequest:
    """The request of these options. Raises InputError and FileError."""
    from playground.cli.prompts import prompt_fields_of, prompt_set_of, sampling_of
    from playground.library.rows import read_rows
    from playground.services.scan.request import SIGNS as CALLED
    from playground.services.scan.request import ScanRequest

    return ScanRequest(
        source=options.vectors,
        rows=read_rows(options.rows, vector_set),
        signs=next(signs for signs, name in CALLED.items() if name == options.signs),
        **_scales(options, vector_set),
        **prompt_fields_of(options, prompt_set_of(options)),
        positions=options.positions,
        sampling=sampling_of(options),
        samples=options.samples,
    )


def _scales(options: argparse.Namespace, vector_set: VectorSet) -> dict[str, Any]:
    """Fields `unit` and `scales`, the usual ones for the set where they are not given. Raises InputError."""
    from playground.services.scan.request import read_scales, usual_scales, usual_unit

    if options.scales is not None:
        if not options.scales.strip():
            raise InputError("Expected scales after --scales, got none; write them like 0.3,0.5.")
        return {"unit": options.unit or "r", "scales": read_scales(options.scales)}
    unit = options.unit or usual_unit(vector_set)
    if unit == "a":
        raise InputError("Expected --scales with --unit a, got none; write norms, such as --scales 5,10.")
    return {"unit": unit, "scales": usual_scales(unit, vector_set.origin.model == "organism")}


def _line(event: ScanProgress) -> str:
    return f"text {event.done} of {event.total} · {event.seconds:.1f} s{to_go(event)}"


def _text(result: ScanResult) -> str:
    """Baseline texts, then for every group its vectors and its most typical text."""
    prompts = result.request.prompts
    lines = [f"baseline · {_short(prompts[cell.prompt])}\n  {_short(cell.text)}" for cell in result.baselines]
    for group in result.groups:
        cells = [result.cells[number] for number in group.members]
        vectors = sorted({(cell.row, cell.sign) for cell in cells})
        signed = " ".join(f"{'+' if sign > 0 else '−'}{row}" for row, sign in vectors)
        like = " · as the baseline" if group.like_baseline else ""
        cell = cells[0]
        kl = "–" if cell.kl is None else f"{cell.kl:.2f}"
        lines.append(
            f"{group.name} · {len(cells)} {'text' if len(cells) == 1 else 'texts'}{like} · vectors {signed}\n"
            f"  {'+' if cell.sign > 0 else '−'}{cell.row} at {cell.scale:g} · KL {kl} · {_short(cell.text)}"
        )
    made = f"{len(result.cells)} texts in {result.seconds:.1f} s · {result.tokens_per_second:.0f} tokens/s"
    return "\n\n".join([*lines, made])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
