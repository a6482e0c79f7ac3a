"""Builds the request fields that several kinds of measurements share from command-line options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from playground.analyses.common.request import MULTIPLES, read_vectors
from playground.cli.prompts import chosen_fields, count_of, format_of
from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.vector_set import VectorSet
from playground.services.scan.request import has_found_scales


def common(options: argparse.Namespace, asked: PromptSet) -> dict[str, Any]:
    """What every request has. Raises InputError for more items than there are."""
    return {
        **({} if options.controls is None else {"controls": options.controls}),
        "seed": options.seed,
        "format": format_of(options, asked),
        "positions": options.positions,
        "max_items": count_of(options, asked),
        **chosen_fields(options),
    }


def _scales(options: argparse.Namespace, sets: Mapping[str, VectorSet]) -> dict[str, Any]:
    """The scales and their unit. Raises InputError when they are left open and a set has no found scales."""
    if options.scales is not None:
        return {"scales": options.scales, "unit": options.unit or "a"}
    for source, vector_set in sets.items():
        if not has_found_scales(vector_set):
            raise InputError(
                f"Expected --scales, or found scales in {source}, got neither; write scales, such as --scales=-0.5,0.5 "
                f"--unit r, or run `python -m playground calibrate --vectors {source}` first."
            )
    return {"scales": MULTIPLES, "unit": "f"}


def over_scales(options: argparse.Namespace, asked: PromptSet, sets: Mapping[str, VectorSet]) -> dict[str, Any]:
    """What a request of vectors × scales has. Raises InputError for rows that are not there."""
    return {
        "vectors": tuple(
            vector for source, rows in options.vectors for vector in read_vectors(source, rows or "all", sets[source])
        ),
        **_scales(options, sets),
        **common(options, asked),
    }
