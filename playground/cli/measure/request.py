"""From the options of `measure` to what the requests of all kinds, or of two of them, have in common."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from playground.cli.prompts import format_of
from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.recipe import Recipe, resolve
from playground.library.vector_set import VectorSet
from playground.services.measure import MeasuredVector
from playground.services.scan.request import read_rows


def common(options: argparse.Namespace, asked: PromptSet) -> dict[str, Any]:
    """What every request has. Raises InputError for more items than there are."""
    if options.count is not None and options.count > len(asked.items):
        raise InputError(
            f"Expected a count of at most {len(asked.items)}, the items in {asked.name}, got {options.count}; ask "
            "for fewer, or leave --count out."
        )
    return {
        **({} if options.controls is None else {"controls": options.controls}),
        "seed": options.seed,
        "format": format_of(options, asked),
        "positions": options.positions,
        "max_items": options.count,
    }


def over_scales(options: argparse.Namespace, asked: PromptSet, sets: Mapping[str, VectorSet]) -> dict[str, Any]:
    """What a request of vectors × scales has. Raises InputError for rows that are not there."""
    return {
        "vectors": tuple(vector for source, rows in options.vectors for vector in _vectors(source, rows, sets[source])),
        "scales": options.scales,
        "relative": options.relative,
        **common(options, asked),
    }


def _vectors(source: str, rows: str | None, vector_set: VectorSet) -> list[MeasuredVector]:
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
