"""python -m playground compare: cosines, principal angles and spectra of vector sets."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from playground.cli.outcome import Outcome
from playground.cli.parser import add_json
from playground.cli.sets import add_sets

if TYPE_CHECKING:
    from playground.analyses.compare.run import Comparison

SUMMARY = "cosines between vectors, angles between what sets span, and spectra"
DESCRIPTION = (
    "Cosines between the rows of one or several sets of one width, principal angles between what every two of them\n"
    "span, and what each method says of its vectors (σ, effect left, displacement, objective or norm). No model is\n"
    "needed. --json has all cosines."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sets(parser.add_argument_group("vectors"), required=True)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.analyses.compare.run import compare
    from playground.library.rows import read_rows
    from playground.library.store import open_set

    sets = [(open_set(source), rows) for source, rows in options.vectors]
    found = compare([(vector_set, read_rows(rows or "all", vector_set)) for vector_set, rows in sets])
    return Outcome(found.to_dict(), _text(found))


def _text(found: Comparison) -> str:
    from playground.analyses.compare.run import closest

    lines = [f"{left} · {right}: cosine {cosine:+.3f}" for left, right, cosine in closest(found, 10)]
    lines = lines or ["all vectors are orthogonal to each other"]
    for pair in found.angles:
        degrees = [math.degrees(angle) for angle in pair.angles.tolist()]
        first, second = found.sets[pair.first].name, found.sets[pair.second].name
        lines.append(
            f"{first} and {second}: {len(degrees)} principal angles from {degrees[0]:.1f}° to {degrees[-1]:.1f}°"
        )
    for each in found.sets:
        values = each.spectrum.tolist()
        lines.append(f"{each.name}: {each.quantity} from {max(values):.4g} to {min(values):.4g}, {len(values)} vectors")
    return "\n".join([*lines, *found.notes])
