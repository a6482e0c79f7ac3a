"""From the options of `measure` to what the requests of all kinds, or of two of them, have in common."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from playground.cli.prompts import format_of
from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.vector_set import VectorSet
from playground.services.measure.request import read_vectors


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
        "vectors": tuple(
            vector for source, rows in options.vectors for vector in read_vectors(source, rows or "all", sets[source])
        ),
        "scales": options.scales,
        "relative": options.relative,
        **common(options, asked),
    }
