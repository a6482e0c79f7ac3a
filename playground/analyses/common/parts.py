"""Document fields that all kinds of measurements share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from playground.analyses import registry
from playground.analyses.analysis import Analysis
from playground.analyses.common.json_values import plain, tuples
from playground.analyses.common.over_texts import OverTexts
from playground.analyses.common.request import MeasuredVector, OverScales
from playground.analyses.common.result import Row
from playground.library.field_types import MOST_NUMBER
from playground.library.prompt_set import FIELDS, KINDS, Item, PromptSet, as_json
from playground.library.text import is_text
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat

_OF_SET = ("name", "title", "description", "for_model", "system", "chat")
_OF_REQUEST = ("scales", "unit", "controls", "seed", "positions", "max_items")
_SELECTION = {"sample_seed": None, "balance": False}
"""Fields that older files lack, with their defaults."""
_OF_ROW = ("kind", "vector", "source", "layer", "scale", "relative")


def prompt_set_entry(prompt_set: PromptSet) -> dict[str, Any]:
    """A prompt set in full, with the field names of the public sets."""
    return {
        **{name: getattr(prompt_set, name) for name in _OF_SET},
        "answers": plain(prompt_set.answers),
        "hash": prompt_set.hash,
        "items": [item if isinstance(item, str) else as_json(item) for item in prompt_set.items],
    }


def read_prompt_set(entry: Mapping[str, Any], kind: str) -> PromptSet:
    """The prompt set of an entry. Raises ValueError when its hash is not that of its items."""
    items = tuple(_item(item, kind) for item in entry["items"])
    made = PromptSet(
        **{name: entry[name] for name in _OF_SET}, kind=kind, items=items, answers=tuples(entry["answers"])
    )
    if made.hash != entry["hash"]:
        raise ValueError("items that do not have the hash that stands beside them")
    return made


def _item(entry: Any, kind: str) -> Item:
    made = KINDS.get(kind, str)
    item: Item = made(*(entry[name] for name in FIELDS[made])) if made in FIELDS else entry  # PromptSet checks a prompt
    return item


def over_scales_entry(request: OverScales) -> dict[str, Any]:
    """The fields of a request of vectors × scales, except the set that is asked."""
    return {
        "vectors": [
            {"source": vector.source, "row": vector.row}
            if vector.mean is None
            else {"source": vector.source, "mean": list(vector.mean)}
            for vector in request.vectors
        ],
        **{name: plain(getattr(request, name)) for name in (*_OF_REQUEST, *_SELECTION)},
        "format": asdict(request.format),
    }


def read_over_scales(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a request of vectors × scales, except the set that is asked."""
    return {
        "vectors": tuple(
            MeasuredVector(one["source"], one.get("row"), tuples(one.get("mean"))) for one in entry["vectors"]
        ),
        "format": PromptFormat.of(entry["format"]),
        **{name: tuples(entry[name]) for name in _OF_REQUEST},
        **read_selection(entry),
    }


def read_selection(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a request for the choice of its items."""
    return {name: entry.get(name, usual) for name, usual in _SELECTION.items()}


def row_entry(row: Row, *more: str) -> dict[str, Any]:
    """The fields that every row has, and those of the names `more`."""
    own = {name: plain(getattr(row, name)) for name in (*_OF_ROW, *more)}
    return own if row.multiple is None else own | {"multiple": row.multiple}


def read_row(entry: Mapping[str, Any], *numbers: str) -> dict[str, Any]:
    """The arguments of a row that every row has, and those of the names `numbers`, which must be finite."""
    optional = [name for name in ("multiple",) if name in entry]
    check_numbers([entry[name] for name in ("scale", "relative", *optional, *numbers)], "a row")
    return {name: entry[name] for name in (*_OF_ROW, *optional, *numbers)}


def read_number(value: object, what: str) -> float:
    """A number of a file; null is NaN, a value that was not finite. Raises ValueError for anything else."""
    if value is None:
        return math.nan
    check_numbers([value], what)
    assert isinstance(value, int | float)
    return value


def check_count(values: Sequence[object], count: int, of: str) -> None:
    """Raises ValueError unless there are `count` values, one for each of `of`."""
    if len(values) != count:
        raise ValueError(f"a row of {len(values)} numbers for {count} {of}")


def check_place(place: object, count: int, of: str) -> None:
    """Raises ValueError unless `place` is that of one of `count` things, from 0."""
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < count:
        raise ValueError(f"the number {place} for one of {count} {of}")


def check_numbers(values: Iterable[object], what: str) -> None:
    """Raises ValueError unless all values are finite numbers."""
    # Compared, not asked whether it is finite: a whole number of 400 digits does not fit a float.
    if not all(isinstance(value, int | float) and abs(value) < MOST_NUMBER for value in values):
        raise ValueError(f"{what} with something else than numbers")


def texts_request_entry(request: OverTexts) -> dict[str, Any]:
    """The fields of a request on generated texts, with the kind of its prompt set where several are possible."""
    analysis = registry.of(request)
    kind = {"kind": request.asked.kind} if len(analysis.sets) > 1 else {}
    return {
        analysis.asked: kind | prompt_set_entry(request.asked),
        **over_scales_entry(request),
        "sampling": asdict(request.sampling),
    }


def read_texts_request(entry: Mapping[str, Any], analysis: Analysis) -> dict[str, Any]:
    """The arguments of a request on generated texts."""
    asked = entry[analysis.asked]
    return {
        analysis.asked: read_prompt_set(asked, asked["kind"] if len(analysis.sets) > 1 else analysis.sets[0]),
        "sampling": Sampling(**entry["sampling"]),
        **read_over_scales(entry),
    }


def read_texts_row(entry: Mapping[str, Any], count: int, of: str, *numbers: str) -> dict[str, Any]:
    """The arguments of a row with `count` texts, and those of the names `numbers`; `of` names the items in errors."""
    texts = tuples(entry["texts"])
    check_count(texts, count, of)
    if not all(map(is_text, texts)):
        raise ValueError("replies that are no text")
    return {**read_row(entry, *numbers), "texts": texts}
