"""`measure --replies`: which of the generated replies match a pattern, or give one answer or the other."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow
from playground.analyses.replies.run import replies as measure
from playground.cli.measure import report
from playground.cli.measure.choices import sources
from playground.cli.measure.exact import line
from playground.cli.measure.request import over_scales
from playground.cli.prompts import sampling_of
from playground.library import reply_patterns
from playground.library.prompts import PromptSet
from playground.library.vector_set import VectorSet

__all__ = ["asked", "data", "kept", "line", "measure", "sources", "text"]


def asked(options: argparse.Namespace, prompt_set: PromptSet, sets: Mapping[str, VectorSet]) -> RepliesRequest:
    """The request that the options stand for."""
    return RepliesRequest(
        prompts=prompt_set,
        patterns=tuple(map(reply_patterns.parse, options.pattern or ())),
        sampling=sampling_of(options),
        **({} if options.samples is None else {"samples": options.samples}),
        **over_scales(options, prompt_set, sets),
    )


def kept(result: RepliesResult) -> str:
    return f"{len(result.rows)} rows are complete"


def data(result: RepliesResult) -> dict[str, Any]:
    """The object that --json prints."""
    request = result.request
    return {
        **report.asked("prompts", request.prompts, len(request.items)),
        "positions": request.positions,
        "seed": request.seed,
        "max_new_tokens": request.sampling.max_new_tokens,
        "temperature": request.sampling.temperature,
        "samples": request.samples,
        "patterns": {pattern.name: pattern.regex for pattern in request.patterns},
        "groups": list(request.groups),
        "baseline": _numbers(request, result.baseline),
        "rows": [report.row(row, _numbers(request, row)) for row in result.rows],
        **report.about(result),
    }


def _numbers(request: RepliesRequest, row: RepliesRow) -> dict[str, Any]:
    """Share, low and high of every group by its name, and one reply: the first."""
    shares = {
        name: {"share": share.share, "low": share.low, "high": share.high}
        for name, share in zip(request.groups, row.shares, strict=True)
    }
    return {"shares": shares, "text": row.texts[0]}


def text(result: RepliesResult) -> str:
    """The result for a person to read."""
    request, rows = result.request, (result.baseline, *result.rows)
    width = max(len(row.name) for row in rows) + 2
    columns = [max(len(name), len("100 % (100 to 100)")) + 2 for name in request.groups]
    each = "" if request.samples == 1 else f", {request.samples} replies to each"
    head = "".join(f"{name:>{column}}" for name, column in zip(request.groups, columns, strict=True))
    return "\n".join(
        [
            f"{len(request.items)} items of {request.prompts.name}{each}; {_how(request)}",
            "",
            f"{'vector':<{width}}{'scale':>9}{head}",
            *(_row(row, width, columns) for row in rows),
            *report.best_of_sets(result, f"share of replies that are {request.groups[0]}", ".0%"),
        ]
    )


def _how(request: RepliesRequest) -> str:
    if request.patterns:
        return "share of replies that match each pattern, and of those that match none"
    return "share of replies that give the answer showing the behaviour, give the other one, or are unclear"


def _row(row: RepliesRow, width: int, columns: list[int]) -> str:
    cells = [f"{one.share:.0%} ({100 * one.low:.0f} to {100 * one.high:.0f})" for one in row.shares]
    said = "".join(f"{cell:>{column}}" for cell, column in zip(cells, columns, strict=True))
    return f"{row.name:<{width}}{row.scale:>9.4g}{said}"
