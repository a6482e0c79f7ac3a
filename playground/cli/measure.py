"""python -m playground measure: what vectors do to choices, over scales, beside random directions."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome, check_out
from playground.cli.parser import SEED, add_format, add_json, add_model, add_positions, reals, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import InputError

if TYPE_CHECKING:
    from playground.library.prompts import PromptSet
    from playground.library.vector_set import VectorSet
    from playground.services.measure import MeasuredRow, MeasuredVector, MeasureProgress, MeasureRequest, MeasureResult

SUMMARY = "measure what vectors do to choices, over scales"
DESCRIPTION = (
    "For every item of a choice set: the log-odds of the answer that shows the behaviour over the other one, without\n"
    "steering, with every vector at every scale, and with random directions of the same norms. Answers that differ in\n"
    "one token are compared by its logit, others by the log-probability of the whole answer. Means weigh items whose\n"
    "answer is (A) and items whose answer is (B) alike; intervals are 95 % bootstrap ones, over items. Ctrl-C keeps\n"
    "the rows there are, and exits with status 130."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("choices")
    group.add_argument(
        "--choices", metavar="SET|FILE", required=True, help="a choice set by name, or a file (json, jsonl, csv)"
    )
    group.add_argument("--count", metavar="N", type=whole("a count of items", 1), help="ask the first N items only")
    add_format(group)
    group = parser.add_argument_group("vectors")
    group.add_argument(
        "--vectors",
        metavar="FILE",
        required=True,
        action=_File,
        help="a vector set by file or by name in vectors/; may be given several times, each with its own --rows",
    )
    group.add_argument(
        "--rows",
        metavar="R,…",
        action=_Rows,
        help="rows of the set named before, such as 0,1,4-7, starred or kept; mean:A-B is the average of rows A to B−1 "
        "(all rows)",
    )
    group.add_argument(
        "--scales",
        metavar="X,…",
        required=True,
        type=reals("a scale"),
        help="norms of what is added, such as --scales=-10,-5,0,5,10; negative ones turn vectors around",
    )
    group.add_argument(
        "--relative", action="store_true", help="scales are multiples of the mean residual norm that each set holds"
    )
    add_positions(group, "vectors")
    group.add_argument(
        "--controls",
        metavar="N",
        default=4,
        type=whole("a number of random controls", 1),
        help="random directions measured at the same layers and norms (4)",
    )
    group.add_argument(
        "--seed", metavar="N", default=0, type=SEED, help="seed of the random directions and of the intervals (0)"
    )
    add_model(parser)
    group = parser.add_argument_group("results")
    group.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="file to write: .json holds all that is needed to repeat it, .csv the rows; one that exists is replaced",
    )
    group.add_argument("--items-out", metavar="FILE", type=Path, help="file for the numbers of every item (.csv)")
    add_json(parser)


class _File(argparse.Action):
    """Collects [file, rows] pairs in the order they are given."""

    def __call__(self, parser: Any, options: Any, value: Any, option: str | None = None) -> None:
        setattr(options, self.dest, [*(getattr(options, self.dest) or []), [value, None]])


class _Rows(argparse.Action):
    """Rows belong to the file named before them, and before the first one to that."""

    def __call__(self, parser: Any, options: Any, value: Any, option: str | None = None) -> None:
        files = options.vectors or []
        if not files:
            raise InputError("Expected --rows after the --vectors they belong to, got them first; turn them around.")
        if files[-1][1] is not None:
            raise InputError(f"Expected --rows once for {files[-1][0]}, got it twice; join rows by commas.")
        files[-1][1] = value


def run(options: argparse.Namespace) -> Outcome:
    for path, kinds in ((options.out, (".json", ".csv")), (options.items_out, (".csv",))):
        if path is not None:
            _check_file(path, kinds)
    from playground.cli.models import load_quietly, load_set
    from playground.library import prompts
    from playground.services.measure import measure

    # Read before the model is loaded: a name that is wrong should not cost a minute.
    choices = prompts.read(options.choices)
    sets = {source: load_set(source) for source, _ in options.vectors}
    request = asked(options, choices, sets)
    progress = Progress()
    loaded = load_quietly(options, progress)
    with stoppable() as stopped:
        try:
            result = measure(loaded, request, sets.__getitem__, lambda event: progress.show(_line(event)), stopped)
        finally:
            progress.clear()
    for warning in result.warnings:
        tell(f"warning: {warning}")
    _write(options, result)
    if result.cancelled:
        tell(f"stopped; {len(result.rows)} rows are complete.")
    return Outcome(_data(options, result), _text(options, result), interrupted=result.cancelled)


def asked(options: argparse.Namespace, choices: PromptSet, sets: dict[str, VectorSet]) -> MeasureRequest:
    """The request that the options stand for."""
    from playground.cli.prompts import format_of
    from playground.services.measure import MeasureRequest

    if options.count is not None and options.count > len(choices.items):
        raise InputError(
            f"Expected a count of at most {len(choices.items)}, the items in {choices.name}, got {options.count}; ask "
            "for fewer, or leave --count out."
        )
    return MeasureRequest(
        choices=choices,
        vectors=tuple(vector for source, rows in options.vectors for vector in _vectors(source, rows, sets[source])),
        scales=options.scales,
        relative=options.relative,
        controls=options.controls,
        seed=options.seed,
        format=format_of(options, choices),
        positions=options.positions,
        max_items=options.count,
    )


def _vectors(source: str, rows: str | None, vector_set: VectorSet) -> list[MeasuredVector]:
    from playground.library.recipe import Recipe, resolve
    from playground.services.measure import MeasuredVector
    from playground.services.scan.request import read_rows

    found = []
    for part in (rows or "all").split(","):
        mean = re.fullmatch(r"\s*mean:(\d{1,9})-(\d{1,9})\s*", part, re.ASCII)
        if mean:
            found.append(MeasuredVector(source, mean=(int(mean[1]), int(mean[2]))))
            resolve(Recipe((found[-1].component(1.0),)), lambda _: vector_set)  # refuses rows that are not there
        else:
            chosen = read_rows(part, vector_set)
            found += [MeasuredVector(source, row) for row in (range(vector_set.rows) if chosen is None else chosen)]
    return list(dict.fromkeys(found))


def _check_file(path: Path, kinds: tuple[str, ...]) -> None:
    if path.suffix not in kinds:
        raise InputError(f"Expected a file that ends in {' or '.join(kinds)}, got {path}; rename it.")
    check_out(path, f"measured{kinds[0]}")


def _write(options: argparse.Namespace, result: MeasureResult) -> None:
    from playground.library import measurements
    from playground.library.atomic import write_atomically
    from playground.services.measure import numbers
    from playground.services.measure.document import to_document

    if options.out is not None and options.out.suffix == ".json":
        write_atomically(options.out, measurements.to_bytes(to_document(result)))
    elif options.out is not None:
        write_atomically(options.out, numbers.as_csv(numbers.ROWS, numbers.row_table(result)).encode())
    if options.items_out is not None:
        write_atomically(options.items_out, numbers.as_csv(numbers.ITEMS, numbers.item_table(result)).encode())


def _line(event: MeasureProgress) -> str:
    to_go = "" if event.seconds_to_go is None else f" · {event.seconds_to_go:.0f} s to go"
    return f"row {event.done:.0f} of {event.total} · {event.seconds:.0f} s{to_go}"


def _data(options: argparse.Namespace, result: MeasureResult) -> dict[str, Any]:
    return {
        "model": result.model,
        "choices": result.request.choices.name,
        "choices_hash": result.request.choices.hash,
        "items": len(result.items),
        "skipped": len(result.skipped),
        "skipped_reasons": result.skipped_reasons(),
        "by": result.by,
        "letters": dict(result.letters),
        "positions": result.request.positions,
        "seed": result.request.seed,
        "baseline": _numbers(result.baseline),
        "rows": [
            {
                "file": row.source,
                "vector": int(row.vector) if row.vector.isdecimal() else row.vector,
                "layer": row.layer,
                "scale": row.scale,
                "relative": row.relative,
                **_numbers(row),
            }
            for row in result.rows
        ],
        "seconds": result.seconds,
        "cancelled": result.cancelled,
        "file": None if options.out is None else str(options.out),
        "warnings": list(result.warnings),
    }


def _numbers(row: MeasuredRow) -> dict[str, float]:
    return {"mean": row.mean, "low": row.low, "high": row.high, "share": row.share, "kl": row.kl}


def _text(options: argparse.Namespace, result: MeasureResult) -> str:
    from playground.services.measure.table import method_table

    skipped = [f"{count} skipped: {reason}" for reason, count in result.skipped_reasons().items()]
    balance = " and ".join(f"{count} × {letter}" for letter, count in result.letters)
    how = {"logit": "by logit", "log-probability": "by whole-answer log-probability"}.get(
        result.by, "by logit or whole-answer log-probability, as the answers are"
    )
    width = max(len(row.name) for row in (result.baseline, *result.rows)) + 2
    lines = [
        "; ".join([f"{len(result.items)} items of {result.request.choices.name}, {how}", *skipped]),
        f"mean of the means for {balance}" if result.letters else "plain mean over items",
        "",
        f"{'vector':<{width}}{'scale':>9}{'mean':>9}{'95 % interval':>20}{'share':>8}{'KL':>9}",
        *(_row(row, width) for row in (result.baseline, *result.rows)),
    ]
    if result.rows:
        table = method_table([result])
        unit = "relative scale" if table.relative else "scale"
        lines += ["", f"Best vector of each method, by the span of its means over {unit}s:", ""]
        width = max(len(f"{line.method}: {line.name} of {line.tried}") for line in table.lines) + 2
        lines.append(f"{unit:<{width}}" + "".join(f"{scale:>9g}" for scale in table.scales) + f"{'span':>9}")
        for line in table.lines:
            means = "".join(f"{'' if mean is None else f'{mean:+.2f}':>9}" for mean in line.means)
            lines.append(f"{f'{line.method}: {line.name} of {line.tried}':<{width}}{means}{line.swing:>9.2f}")
    if options.out is not None:
        lines += ["", f"written to {options.out}"]
    return "\n".join(lines)


def _row(row: MeasuredRow, width: int) -> str:
    interval = f"{row.low:+.2f} to {row.high:+.2f}"
    return f"{row.name:<{width}}{row.scale:>9.4g}{row.mean:>+9.2f}{interval:>20}{row.share:>8.0%}{row.kl:>9.3f}"
