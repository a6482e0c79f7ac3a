"""python -m playground compare-atlases: where two models of one architecture differ, layer pair by layer pair."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from playground.cli.outcome import Outcome
from playground.cli.parser import add_json

if TYPE_CHECKING:
    from playground.library.atlas import Pair
    from playground.services.atlas.difference import PairDifference

SUMMARY = "where two models of one architecture differ, layer pair by layer pair"
DESCRIPTION = (
    "The log-ratio of the gains of two atlases and the angle between their leading subspaces, for every pair of\n"
    "layers. Both must be on the same prompts: map a model and a copy that was trained further, say, and see where\n"
    "the change travels. An atlas made again with another seed differs too, by what both leave unsolved: compare\n"
    "that first."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="FIRST", help="atlas of one model: a file, or a name of the library")
    parser.add_argument("second", metavar="SECOND", help="atlas of the other")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.library.atlases import open_atlas
    from playground.library.store import Store
    from playground.services.atlas.difference import difference

    library = Store().folder
    first, second = open_atlas(options.first, library), open_atlas(options.second, library)
    found = difference(first, second)
    data = {
        "first": first.origin.model,
        "second": second.origin.model,
        "pairs": [list(pair) for pair in found],
        "log_ratio": [each.log_ratio for each in found.values()],
        "angle": [each.angle for each in found.values()],
    }
    return Outcome(data, _text(found))


def _text(found: dict[Pair, PairDifference]) -> str:
    from playground.services.atlas.difference import changed_most

    return "\n".join(
        [
            *_table("log-ratio of gains, second over first", found, lambda each: f"{each.log_ratio:+.2f}"),
            *_table("angle between leading subspaces, degrees", found, lambda each: f"{each.angle:.0f}"),
            "",
            changed_most(found),
        ]
    )


def _table(title: str, found: dict[Pair, PairDifference], shown: Callable[[PairDifference], str]) -> list[str]:
    """Sources down and targets across."""
    sources, targets = sorted({source for source, _ in found}), sorted({target for _, target in found})
    lines = [title, "     " + "".join(f"{f't={target}':>7}" for target in targets)]
    for source in sources:
        cells = (found.get((source, target)) for target in targets)
        lines.append(f"{f's={source}':<5}" + "".join(f"{'' if cell is None else shown(cell):>7}" for cell in cells))
    return lines
