"""A result as a JSON document and back (vectors/MEASURES.md): everything needed to repeat it, and to compare it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playground.errors import FileError, InputError
from playground.library.prompt_set import MATCHING, OTHER, QUESTION, ChoiceItem, PromptSet, as_json
from playground.library.text import shown
from playground.model.prompting import PromptFormat
from playground.services.measure.request import MeasuredVector, MeasureRequest
from playground.services.measure.result import (
    MeasuredItem,
    MeasuredRow,
    MeasuredSet,
    MeasureResult,
    SkippedItem,
)

_DECIMALS = 6  # float32 is no better where log-odds are of order 1 to 10
_OF_SET = ("name", "title", "description", "for_model", "system", "chat")
_OF_REQUEST = ("scales", "relative", "controls", "seed", "positions", "max_items")
_OF_RESULT = ("model", "fingerprint", "dtype", "by", "warnings", "cancelled", "seconds", "versions", "created")


def to_document(result: MeasureResult) -> dict[str, Any]:
    """The document of a result; numbers of items to 6 decimals."""
    request = result.request
    choices = {name: getattr(request.choices, name) for name in _OF_SET}
    return {
        **{name: _plain(getattr(result, name)) for name in _OF_RESULT},
        "request": {
            "choices": {
                **choices,
                "answers": _plain(request.choices.answers),
                "hash": request.choices.hash,
                "items": [as_json(item) for item in request.choices.items],
            },
            "vectors": [
                {"source": vector.source, "row": vector.row}
                if vector.mean is None
                else {"source": vector.source, "mean": list(vector.mean)}
                for vector in request.vectors
            ],
            **{name: _plain(getattr(request, name)) for name in _OF_REQUEST},
            "format": asdict(request.format),
        },
        "sets": [asdict(one) for one in result.sets],
        "letters": [list(pair) for pair in result.letters],
        "items": [{"number": item.number, "letter": item.letter, "by": item.by} for item in result.items],
        "skipped": [asdict(item) for item in result.skipped],
        "baseline": _row(result.baseline),
        "rows": [_row(row) for row in result.rows],
    }


def from_document(document: Mapping[str, Any]) -> MeasureResult:
    """The result of a document that `to_document` made. Raises FileError for one that says something else."""
    try:
        request = _request(document["request"])
        count = len(document["items"])
        return MeasureResult(
            request=request,
            items=tuple(_item(request, entry) for entry in document["items"]),
            skipped=tuple(SkippedItem(int(entry["number"]), str(entry["reason"])) for entry in document["skipped"]),
            letters=tuple((str(letter), int(number)) for letter, number in document["letters"]),
            baseline=_read_row(document["baseline"], count),
            rows=tuple(_read_row(row, count) for row in document["rows"]),
            sets=tuple(MeasuredSet(**entry) for entry in document["sets"]),
            **{name: _tuples(document[name]) for name in _OF_RESULT},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, InputError) as error:
        what = f"one without {error}" if isinstance(error, KeyError) else f"{shown(str(error))} in it"
        raise FileError(f"Expected a measurement as vectors/MEASURES.md says, got {what}; measure again.") from error


def _request(entry: Mapping[str, Any]) -> MeasureRequest:
    given = entry["choices"]
    items = tuple(ChoiceItem(item[QUESTION], item[MATCHING], item[OTHER]) for item in given["items"])
    choices = PromptSet(
        **{name: given[name] for name in _OF_SET}, kind="choices", items=items, answers=_tuples(given["answers"])
    )
    if choices.hash != given["hash"]:
        raise ValueError("items that do not have the hash that stands beside them")
    return MeasureRequest(
        choices=choices,
        vectors=tuple(
            MeasuredVector(one["source"], one.get("row"), _tuples(one.get("mean"))) for one in entry["vectors"]
        ),
        format=PromptFormat.of(entry["format"]),
        **{name: _tuples(entry[name]) for name in _OF_REQUEST},
    )


def _item(request: MeasureRequest, entry: Mapping[str, Any]) -> MeasuredItem:
    item = request.choices.items[entry["number"]]
    return MeasuredItem(entry["number"], item.question, item.matching, item.other, entry["letter"], entry["by"])


def _row(row: MeasuredRow) -> dict[str, Any]:
    entry = {name: getattr(row, name) for name in _OF_ROW}
    return entry | {name: [round(value, _DECIMALS) for value in getattr(row, name)] for name in _OF_ITEMS}


_OF_ROW = ("kind", "vector", "source", "layer", "scale", "relative", "mean", "low", "high", "share", "kl")
_OF_ITEMS = ("differences", "divergences")


def _read_row(entry: Mapping[str, Any], count: int) -> MeasuredRow:
    lists = {name: tuple(float(value) for value in entry[name]) for name in _OF_ITEMS}
    row = MeasuredRow(**{name: entry[name] for name in _OF_ROW}, **lists)
    if any(len(values) != count for values in lists.values()):
        raise ValueError(f"a row of {len(row.differences)} numbers for {count} items")
    numbers = (row.scale, row.relative, row.mean, row.low, row.high, row.share, row.kl, *row.differences)
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in numbers):
        raise ValueError("a row with something else than numbers")
    return row


def _plain(value: Any) -> Any:
    """Tuples as lists, mappings as dictionaries."""
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return dict(value) if isinstance(value, Mapping) else value


def _tuples(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
