"""Choice measurements as document fields, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.analyses.choices import ANALYSIS
from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import (
    MeasuredItem,
    MeasuredRow,
    MeasureResult,
    SideEffect,
    SideEffects,
    SkippedItem,
)
from playground.analyses.common.json_values import plain
from playground.analyses.common.parts import (
    check_count,
    check_numbers,
    check_place,
    over_scales_entry,
    prompt_set_entry,
    read_number,
    read_over_scales,
    read_prompt_set,
    read_row,
    row_entry,
)
from playground.library.text import is_text

_DECIMALS = 6  # float32 is no better where log-odds are of order 1 to 10
_MEANS = tuple(column.name for column in ANALYSIS.columns)
_OF_ITEMS = ("differences", "divergences")


def to_fields(result: MeasureResult) -> dict[str, Any]:
    """The fields of a choice measurement; numbers of items to 6 decimals."""
    return {
        "request": {"choices": prompt_set_entry(result.request.choices), **over_scales_entry(result.request)},
        "by": result.by,
        "letters": [list(pair) for pair in result.letters],
        "items": [{"number": item.number, "letter": item.letter, "by": item.by} for item in result.items],
        "skipped": [asdict(item) for item in result.skipped],
        "baseline": _row(result.baseline),
        "rows": [_row(row) for row in result.rows],
        **({} if result.side_effects is None else {"side_effects": _side_effects(result.side_effects)}),
    }


def from_fields(document: Mapping[str, Any], about: Mapping[str, Any]) -> MeasureResult:
    """The result of a document; `about` are the fields that every measurement has."""
    entry, count = document["request"], len(document["items"])
    request = MeasureRequest(choices=read_prompt_set(entry["choices"], "choices"), **read_over_scales(entry))
    return MeasureResult(
        request=request,
        by=document["by"],
        letters=tuple((str(letter), number) for letter, number in document["letters"]),
        items=tuple(_item(request, item) for item in document["items"]),
        skipped=tuple(SkippedItem(item["number"], str(item["reason"])) for item in document["skipped"]),
        baseline=_read_row(document["baseline"], count),
        rows=tuple(_read_row(row, count) for row in document["rows"]),
        side_effects=_read_side_effects(document.get("side_effects"), len(document["rows"])),
        **about,
    )


def count(document: Mapping[str, Any]) -> int:
    """How many items were measured."""
    return len(document["items"])


def _item(request: MeasureRequest, entry: Mapping[str, Any]) -> MeasuredItem:
    item = request.choices.items[entry["number"]]
    return MeasuredItem(entry["number"], item.question, item.matching, item.other, entry["letter"], entry["by"])


def _row(row: MeasuredRow) -> dict[str, Any]:
    numbers = {name: [plain(round(value, _DECIMALS)) for value in getattr(row, name)] for name in _OF_ITEMS}
    return row_entry(row, *_MEANS) | numbers


def _read_row(entry: Mapping[str, Any], count: int) -> MeasuredRow:
    differences, divergences = (
        tuple(float(read_number(value, "a row")) for value in entry[name]) for name in _OF_ITEMS
    )
    for values in (differences, divergences):
        check_count(values, count, "items")
    mean, low, high, share, kl = (read_number(entry[name], "a row") for name in _MEANS)
    return MeasuredRow(
        **read_row(entry), differences=differences, divergences=divergences, mean=mean, low=low, high=high, share=share,
        kl=kl,
    )  # fmt: skip


def _side_effects(effects: SideEffects) -> dict[str, Any]:
    return {
        "prompts": {"kind": effects.neutral.kind, **prompt_set_entry(effects.neutral)},
        "rows": [{"row": place, **plain(asdict(effect))} for place, effect in effects.of_rows.items()],
    }


def _read_side_effects(entry: Mapping[str, Any] | None, rows: int) -> SideEffects | None:
    """The side effects of an entry; None for a file without them."""
    if entry is None:
        return None
    neutral = read_prompt_set(entry["prompts"], entry["prompts"]["kind"])
    return SideEffects(neutral, dict(_read_side_effect(one, rows) for one in entry["rows"]))


def _read_side_effect(entry: Mapping[str, Any], rows: int) -> tuple[int, SideEffect]:
    check_place(entry["row"], rows, "rows")
    check_numbers([entry["repetition"]], "a side effect")
    if entry["perplexity"] is not None:
        check_numbers([entry["perplexity"]], "a side effect")
    if not is_text(entry["text"]):
        raise ValueError("answers that are no text")
    return entry["row"], SideEffect(
        read_number(entry["kl"], "a side effect"), entry["repetition"], entry["perplexity"], entry["text"]
    )
