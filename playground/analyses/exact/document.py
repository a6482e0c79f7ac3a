"""Exact-answer measurements as document fields, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.analyses.common.parts import (
    check_count,
    over_scales_entry,
    prompt_set_entry,
    read_over_scales,
    read_prompt_set,
    read_row,
    row_entry,
    tuples,
)
from playground.analyses.exact import ANALYSIS
from playground.analyses.exact.run import ExactRequest, ExactResult, ExactRow
from playground.library.text import is_text
from playground.model.generate import Sampling

_SHARES = tuple(column.name for column in ANALYSIS.columns)


def to_fields(result: ExactResult) -> dict[str, Any]:
    """The fields of this kind, replies in full."""
    request = result.request
    return {
        "request": {
            "questions": prompt_set_entry(request.questions),
            **over_scales_entry(request),
            "sampling": asdict(request.sampling),
        },
        "baseline": _row(result.baseline),
        "rows": [_row(row) for row in result.rows],
    }


def from_fields(document: Mapping[str, Any], about: Mapping[str, Any]) -> ExactResult:
    """The result of a document; `about` are the fields that every measurement has."""
    entry = document["request"]
    request = ExactRequest(
        questions=read_prompt_set(entry["questions"], "exact"),
        sampling=Sampling(**entry["sampling"]),
        **read_over_scales(entry),
    )
    return ExactResult(
        request=request,
        baseline=_read_row(document["baseline"], len(request.items)),
        rows=tuple(_read_row(row, len(request.items)) for row in document["rows"]),
        **about,
    )


def count(document: Mapping[str, Any]) -> int:
    """How many items were measured."""
    return len(document["baseline"]["right"])


def _row(row: ExactRow) -> dict[str, Any]:
    return row_entry(row, *_SHARES, "texts", "right")


def _read_row(entry: Mapping[str, Any], count: int) -> ExactRow:
    texts, right = tuples(entry["texts"]), tuples(entry["right"])
    for values in (texts, right):
        check_count(values, count, "items")
    if not all(map(is_text, texts)):
        raise ValueError("replies that are no text")
    if not all(isinstance(value, bool) for value in right):
        raise ValueError("replies neither right nor wrong")
    return ExactRow(**read_row(entry, *_SHARES), texts=texts, right=right)
