"""`measure --exact`: how often replies end in the right number."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from playground.analyses.common.over_texts import TextsProgress
from playground.analyses.exact.run import ExactRequest, ExactResult, ExactRow
from playground.analyses.exact.run import exact as measure
from playground.cli.measure import report
from playground.cli.measure.choices import sources
from playground.cli.measure.request import over_scales
from playground.cli.prompts import sampling_of
from playground.library.prompts import PromptSet
from playground.library.vector_set import VectorSet

__all__ = ["asked", "data", "kept", "line", "measure", "sources", "text"]


def asked(options: argparse.Namespace, prompt_set: PromptSet, sets: Mapping[str, VectorSet]) -> ExactRequest:
    """The request that the options stand for."""
    return ExactRequest(
        questions=prompt_set, sampling=sampling_of(options), **over_scales(options, prompt_set, sets)
    )


def line(event: TextsProgress) -> str:
    to_go = "" if event.seconds_to_go is None else f" · {event.seconds_to_go:.0f} s to go"
    return f"text {event.done} of {event.total} · {event.seconds:.0f} s{to_go}"


def kept(result: ExactResult) -> str:
    return f"{len(result.rows)} rows are complete"


def data(result: ExactResult) -> dict[str, Any]:
    """The object that --json prints."""
    request = result.request
    return {
        **report.asked("questions", request.questions, len(request.items)),
        "positions": request.positions,
        "seed": request.seed,
        "max_new_tokens": request.sampling.max_new_tokens,
        "temperature": request.sampling.temperature,
        "baseline": _numbers(result.baseline),
        "rows": [report.row(row, _numbers(row)) for row in result.rows],
        **report.about(result),
    }


def _numbers(row: ExactRow) -> dict[str, float]:
    return {"share": row.share, "low": row.low, "high": row.high, "silent": row.silent}


def text(result: ExactResult) -> str:
    """The result for a person to read."""
    rows = (result.baseline, *result.rows)
    width = max(len(row.name) for row in rows) + 2
    return "\n".join(
        [
            f"{len(result.request.items)} questions of {result.request.questions.name}; a reply answers with its last "
            "number",
            "",
            f"{'vector':<{width}}{'scale':>9}{'right':>8}{'95 % interval':>18}{'no number':>11}",
            *(_row(row, width) for row in rows),
            *report.best_of_sets(result, "share of right answers", ".0%"),
        ]
    )


def _row(row: ExactRow, width: int) -> str:
    interval = f"{row.low:.0%} to {row.high:.0%}"
    return f"{row.name:<{width}}{row.scale:>9.4g}{row.share:>8.0%}{interval:>18}{row.silent:>11.0%}"
