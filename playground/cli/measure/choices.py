"""`measure --choices`: what vectors do to the choice between two answers."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredRow, MeasureProgress, MeasureResult
from playground.analyses.choices.run import measure
from playground.cli.measure import leaderboard, report
from playground.cli.measure.request import over_scales
from playground.library.prompts import PromptSet
from playground.library.vector_set import VectorSet

__all__ = ["asked", "data", "kept", "line", "measure", "sources", "text"]


def sources(options: argparse.Namespace) -> list[str]:
    return [source for source, _ in options.vectors]


def asked(options: argparse.Namespace, prompt_set: PromptSet, sets: Mapping[str, VectorSet]) -> MeasureRequest:
    """The request that the options stand for. A leaderboard needs as many random directions as there are vectors."""
    given = over_scales(options, prompt_set, sets)
    if options.leaderboard:
        given["controls"] = max(given.get("controls", MeasureRequest.controls), len(given["vectors"]))
    return MeasureRequest(choices=prompt_set, **given)


def line(event: MeasureProgress) -> str:
    to_go = "" if event.seconds_to_go is None else f" · {event.seconds_to_go:.0f} s to go"
    return f"row {event.done:.0f} of {event.total} · {event.seconds:.0f} s{to_go}"


def kept(result: MeasureResult) -> str:
    return f"{len(result.rows)} rows are complete"


def data(result: MeasureResult) -> dict[str, Any]:
    """The object that --json prints."""
    return {
        **report.asked("choices", result.request.choices, len(result.items)),
        "skipped": len(result.skipped),
        "skipped_reasons": result.skipped_reasons(),
        "by": result.by,
        "letters": dict(result.letters),
        "positions": result.request.positions,
        "seed": result.request.seed,
        "baseline": _numbers(result.baseline),
        "rows": [report.row(row, _numbers(row)) for row in result.rows],
        **leaderboard.data(result),
        **report.about(result),
    }


def _numbers(row: MeasuredRow) -> dict[str, float]:
    return {"mean": row.mean, "low": row.low, "high": row.high, "share": row.share, "kl": row.kl}


def text(result: MeasureResult) -> str:
    """The result for a person to read."""
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
    lines += report.best_of_sets(result, "means", "+.2f")
    board = leaderboard.text(result)
    return "\n".join([*lines, *(["", *board] if board else [])])


def _row(row: MeasuredRow, width: int) -> str:
    if math.isnan(row.kl):
        return f"{row.name:<{width}}{row.scale:>9.4g}{'not finite':>14}"
    interval = f"{row.low:+.2f} to {row.high:+.2f}"
    return f"{row.name:<{width}}{row.scale:>9.4g}{row.mean:>+9.2f}{interval:>20}{row.share:>8.0%}{row.kl:>9.3f}"
