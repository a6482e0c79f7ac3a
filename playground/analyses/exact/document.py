"""Exact-answer measurements as document fields, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.analyses.common.json_values import tuples
from playground.analyses.common.parts import (
    check_count,
    read_texts_request,
    read_texts_row,
    row_entry,
    texts_request_entry,
)
from playground.analyses.exact import ANALYSIS
from playground.analyses.exact.run import ExactRequest, ExactResult, ExactRow

_SHARES = tuple(column.name for column in ANALYSIS.columns)


def to_fields(result: ExactResult) -> dict[str, Any]:
    """The fields of an exact-answer measurement, replies in full."""
    return {
        "request": texts_request_entry(result.request),
        "baseline": _row(result.baseline),
        "rows": [_row(row) for row in result.rows],
    }


def from_fields(document: Mapping[str, Any], about: Mapping[str, Any]) -> ExactResult:
    """The result of a document; `about` are the fields that every measurement has."""
    request = ExactRequest(**read_texts_request(document["request"], ANALYSIS))
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
    right = tuples(entry["right"])
    check_count(right, count, "items")
    if not all(isinstance(value, bool) for value in right):
        raise ValueError("replies neither right nor wrong")
    return ExactRow(**read_texts_row(entry, count, "items", *_SHARES), right=right)
