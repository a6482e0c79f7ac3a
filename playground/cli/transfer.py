"""python -m playground transfer: vectors × choice sets, which effects carry over and which may be noise."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from playground.cli.outcome import Outcome, check_out, write_out
from playground.cli.parser import SEED, add_json, add_model, one_of, reals, whole
from playground.cli.sets import add_sets
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import InputError
from playground.library.checks import UNITS
from playground.limits import at_most, limits
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.analyses.choices.transfer import Polarity
    from playground.services.transfer import TransferResult, TransferSet

SUMMARY = "which effects on choices carry over from set to set, and which may be noise"
DESCRIPTION = (
    "Measure vectors on several choice sets. Each vector's push is chosen on one set, its home, and applied to all as\n"
    "it is; replies are generated beside the log-odds. A cell is flagged as what may be noise: a pull to 50/50, no\n"
    "order over scales (rank correlation below 0.5), spread that collapses, or no more than a random direction does."
)
_SUFFIXES = (".json", ".csv")
ITEMS, REPLIES, TOKENS = 32, 8, 32  # as in services/transfer, which imports torch; a test holds them equal
_NAME, _CELL = 24, 18  # widths of columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is asked")
    group.add_argument(
        "--choices", metavar="SET|FILE", action="append", required=True,
        help="a choice set whose behaviour is wanted; twice and more",
    )  # fmt: skip
    group.add_argument(
        "--against", metavar="SET|FILE", action="append", default=[],
        help="one of the sets whose behaviour is not wanted: its polarity is -1",
    )  # fmt: skip
    group.add_argument("--home", metavar="SET", help="the set on which all pushes are chosen (each vector's best)")
    group.add_argument(
        "--items", metavar="N", default=ITEMS, type=whole("a number of items", 1, limits().items),
        help=f"measure the first N items of every set ({ITEMS})",
    )  # fmt: skip
    group.add_argument(
        "--balance", action="store_true", help="as many items with the behaviour at one answer letter as at the other"
    )
    group = parser.add_argument_group("vectors")
    add_sets(group, means=True, required=True)
    group.add_argument(
        "--scales", metavar="X,…", type=reals("a scale"),
        help="scales in the unit below, in both signs (-1.5 to 1.5 found scales)",
    )  # fmt: skip
    group.add_argument(
        "--unit", metavar="UNIT", type=one_of("unit", UNITS),
        help="what scales count, as with `measure` (a; f without --scales)",
    )  # fmt: skip
    group.add_argument(
        "--controls", metavar="N", default=4, type=whole("a number of random controls", 1, limits().measured_vectors),
        help=f"random directions measured at the same norms (4; {at_most(limits().measured_vectors)})",
    )  # fmt: skip
    group.add_argument("--seed", metavar="N", default=0, type=SEED, help="seed of random directions and intervals (0)")
    group = parser.add_argument_group("replies")
    group.add_argument(
        "--replies", metavar="N", default=REPLIES, type=whole("a number of replies", 0, limits().items),
        help=f"generate replies to the first N items of every set; 0 for none ({REPLIES})",
    )  # fmt: skip
    group.add_argument(
        "--max-new-tokens", metavar="N", default=TOKENS, type=whole("a number of tokens", 1, limits().new_tokens),
        help=f"length of a reply ({TOKENS})",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write: .json, or .csv with one line a cell")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    if options.out is not None:
        if options.out.suffix not in _SUFFIXES:
            raise InputError(f"Expected a file that ends in {' or '.join(_SUFFIXES)}, got {options.out}; rename it.")
        check_out(options.out, "transfer.json")
    from playground.cli.measure.request import scale_fields, vectors_of
    from playground.cli.models import load_for, load_sets
    from playground.services.transfer import TransferRequest, transfer

    if options.scales is None and options.unit in ("r", "a"):
        raise InputError(f"Expected --scales in the unit {options.unit}, got none; write numbers, such as -0.5,0.5.")
    choice_sets = _sets(options)
    sets = load_sets(source for source, _ in options.vectors)
    request = TransferRequest(
        sets=choice_sets, vectors=vectors_of(options, sets), controls=options.controls, items=options.items,
        balance=options.balance, home=options.home, replies=options.replies, tokens=options.max_new_tokens,
        seed=options.seed, **scale_fields(options, sets),
    )  # fmt: skip
    progress = Progress()
    loaded = load_for(options, next(iter(sets.values())), progress)
    with stoppable(progress) as stopped:
        result = transfer(
            loaded, request, sets.__getitem__,
            lambda event: progress.show(f"{event.doing} · {event.share:.0%}{to_go(event)}"), stopped,
        )  # fmt: skip
    if options.out is not None:
        _write(options.out, result)
    if result.cancelled:
        tell("stopped; what is shown is complete.")
    data = result.to_dict() | {"file": None if options.out is None else str(options.out)}
    return Outcome(data, "\n".join(_text(result)), interrupted=result.cancelled)


def _sets(options: argparse.Namespace) -> tuple[TransferSet, ...]:
    """The choice sets in the order they are given, those of --against last. Raises FileError and InputError."""
    from playground.cli.prompts import tell_notes
    from playground.library import prompts
    from playground.services.transfer import TransferSet

    found = []
    named: tuple[tuple[list[str], Polarity], ...] = ((options.choices, 1), (options.against, -1))
    for names, polarity in named:
        for name in names:
            choices = prompts.read(name)
            tell_notes(choices)
            found.append(TransferSet(choices, polarity))
    return tuple(found)


def _write(path: Path, result: TransferResult) -> None:
    from playground.analyses.common.measurements import to_bytes
    from playground.analyses.common.numbers import table_text
    from playground.library.atomic import write_atomically

    data = to_bytes(result.to_dict()) if path.suffix == ".json" else table_text(result.lines(), path.suffix).encode()
    write_out(path, partial(write_atomically, data=data))


def _text(result: TransferResult) -> list[str]:
    """Sets, the matrix of changes with replies in brackets, the flags by letter, and what holds outside of homes."""
    from playground.analyses.choices.transfer import FLAGS

    matrix = result.matrix
    letters = dict(zip(FLAGS, "porn", strict=True))
    lines = ["log-odds of the wanted answer without a push, and the share of items on which it wins:"]
    for number, column in enumerate(matrix.columns):
        wanted = "" if column.polarity == 1 else ", the behaviour is not wanted"
        here = f"{column.mean:+.2f} nats, {column.share:.0%} of {column.items}{wanted}"
        lines.append(f"  {number + 1} {column.choices}: {here}")
    lines += ["", "change with the push chosen at home (*), in nats; replies with the wanted answer in brackets:"]
    numbers = "".join(f"{number + 1:>{_CELL}}" for number in range(len(matrix.columns)))
    lines.append(f"  {'vector':{_NAME}}{'scale':>8}{numbers}")
    several = len({vector.source for vector in result.request.vectors}) > 1
    for row, replied in zip(matrix.rows, result.replies, strict=True):
        name = row.vector if several else row.vector[row.vector.rindex("#") :]
        cells = []
        for place, (cell, reply) in enumerate(zip(row.cells, replied, strict=True)):
            said = "" if reply is None else f" ({reply.baseline:.0%}→{reply.share:.0%})"
            raised = "".join(letters[flag] for flag in cell.flags)
            cells.append(f"{cell.change:+.2f}{'*' if place == row.home else ''}{raised}{said}".rjust(_CELL))
        lines.append(f"  {name[-_NAME:]:{_NAME}}{row.place:>8g}{''.join(cells)}")
    lines += ["", *(f"  {letters[flag]}  {flag}: {what}" for flag, what in FLAGS.items())]
    held, flagged, cells_elsewhere = matrix.elsewhere
    lines.append(f"outside of homes {held} of {cells_elsewhere} cells hold, {flagged} may be noise")
    agreeing, holding = result.agreeing
    if holding:
        lines.append(f"of {holding} cells that hold by log-odds the replies agree in {agreeing}")
    return lines
