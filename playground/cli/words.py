"""python -m playground words: what a set's vectors make likelier to be said next, without a generation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome
from playground.cli.parser import SEED, add_json, add_model, whole
from playground.cli.terminal import Progress, stoppable
from playground.limits import at_most, limits

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.services.words import SetWords

SUMMARY = "words of vectors: the next tokens that each makes likelier, without a generation"
DESCRIPTION = (
    "For every vector of a set and its negative the next tokens that a small push raises most, to first order: the\n"
    "Jacobian from its source layer to the last block, then final norm and head, at the set's first prompts. Tokens\n"
    "that have as large a part in random directions are left out. From one prompt of a small model much can be noise."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vectors", metavar="FILE", help="a vector set: a file, or the name of a set in vectors/")
    parser.add_argument(
        "--rows", metavar="ROWS", default="all",
        help="all, starred, kept (what is not discarded), a range like 0-11, or numbers like 0,3,7 (all)",
    )  # fmt: skip
    parser.add_argument(
        "--first", metavar="N", default=2, type=whole("a number of prompts", 1, limits().look_prompts),
        help=f"read at the first N prompts of the set (2; {at_most(limits().look_prompts)})",
    )  # fmt: skip
    parser.add_argument(
        "--lens", metavar="FILE", help="a public Jacobian lens (.pt) of this model, in the place of the Jacobian here"
    )
    parser.add_argument(
        "--count", metavar="N", default=7, type=whole("a number of words", 1, limits().words),
        help=f"words a sign (7; {at_most(limits().words)})",
    )  # fmt: skip
    parser.add_argument("--seed", metavar="N", type=SEED, default=0, help="seed of the random directions (0)")
    add_model(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.models import load_for
    from playground.library.lens import read_lens
    from playground.library.rows import check_rows, read_rows
    from playground.library.store import open_set
    from playground.services.words import WordsRequest, words

    vector_set = open_set(options.vectors)
    chosen = read_rows(options.rows, vector_set)
    request = WordsRequest(
        source_set=vector_set, rows=None if chosen is None else check_rows(vector_set, chosen), prompts=options.first,
        count=options.count, lens=None if options.lens is None else read_lens(options.lens), seed=options.seed,
    )  # fmt: skip
    progress = Progress()
    loaded = load_for(options, vector_set, progress)
    with stoppable(progress) as stopped:
        found = words(loaded, request, lambda share: progress.show(f"words · {share:.0%}"), stopped)
    return Outcome(_data(options.vectors, found), _text(vector_set, found))


def _data(file: str, found: SetWords) -> dict[str, Any]:
    """The object that --json prints: slopes in nats a unit of norm, shares of the squared changes of all tokens."""
    rows = [
        {
            "row": row,
            "sign": sign,
            "words": [
                {"token_id": word.token, "text": word.text, "slope": word.slope, "share": word.share} for word in own
            ],
        }
        for (row, sign), own in found.words.items()
    ]
    return {"file": file, "prompts": found.prompts, "lens": found.lens, "rows": rows, "caution": found.caution}


def _text(vector_set: VectorSet, found: SetWords) -> str:
    lines = []
    for (row, sign), own in found.words.items():
        said = " ".join(ascii(word.text) if not word.text.isprintable() else repr(word.text) for word in own)
        label = vector_set.notes[row].label if sign > 0 else ""
        lines.append(f"{row:3d} {'+' if sign > 0 else '−'}  {said or '–'}{f'  “{label}”' if label else ''}")
    return "\n".join([*lines, found.caution])
