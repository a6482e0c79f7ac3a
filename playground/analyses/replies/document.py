"""Reply measurements as document fields, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.analyses.common.json_values import plain, tuples
from playground.analyses.common.parts import (
    check_count,
    check_numbers,
    read_texts_request,
    read_texts_row,
    row_entry,
    texts_request_entry,
)
from playground.analyses.replies import ANALYSIS
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.library.reply_patterns import ReplyPattern


def to_fields(result: RepliesResult) -> dict[str, Any]:
    """The fields of a reply measurement, replies in full."""
    request = result.request
    return {
        "request": {
            **texts_request_entry(request),
            "samples": request.samples,
            "patterns": [asdict(pattern) for pattern in request.patterns],
        },
        "groups": list(request.groups),
        "baseline": _row(result.baseline),
        "rows": [_row(row) for row in result.rows],
    }


def from_fields(document: Mapping[str, Any], about: Mapping[str, Any]) -> RepliesResult:
    """The result of a document; `about` are the fields that every measurement has."""
    entry = document["request"]
    request = RepliesRequest(
        samples=entry["samples"],
        patterns=tuple(ReplyPattern(one["name"], one["regex"]) for one in entry["patterns"]),
        **read_texts_request(entry, ANALYSIS),
    )
    if document["groups"] != list(request.groups):
        raise ValueError("groups that are not those of its patterns")
    return RepliesResult(
        request=request,
        baseline=_read_row(document["baseline"], request),
        rows=tuple(_read_row(row, request) for row in document["rows"]),
        **about,
    )


def count(document: Mapping[str, Any]) -> int:
    """How many items were measured."""
    return len(document["baseline"]["texts"]) // max(1, int(document["request"]["samples"]))


def _row(row: RepliesRow) -> dict[str, Any]:
    return row_entry(row, "texts") | {
        "groups": plain(row.groups),
        "shares": [asdict(share) for share in row.shares],
    }


def _read_row(entry: Mapping[str, Any], request: RepliesRequest) -> RepliesRow:
    groups, count = tuples(entry["groups"]), len(request.items) * request.samples
    check_count(groups, count, "replies")
    if not all(isinstance(own, tuple) and own and set(own) <= set(request.groups) for own in groups):
        raise ValueError("replies in other groups than there are")
    shares = tuple(Share(one["share"], one["low"], one["high"]) for one in entry["shares"])
    check_count(shares, len(request.groups), "groups")
    for share in shares:
        check_numbers([share.share, share.low, share.high], "a share")
    return RepliesRow(**read_texts_row(entry, count, "replies"), groups=groups, shares=shares)
