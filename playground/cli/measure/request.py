"""Builds the request of a measurement from command-line options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from playground.analyses.common.request import MeasuredVector, OverScales, read_vectors
from playground.cli.measure.options import analysis_of
from playground.cli.prompts import chosen_fields, count_of, format_of, sampling_of
from playground.errors import InputError
from playground.library.prompts import PromptSet
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.services.measure import measure_request
from playground.services.scan.request import has_found_scales


def sources(options: argparse.Namespace) -> tuple[str, ...]:
    """The vector sets that the options name."""
    if analysis_of(options).over == "mix":
        return parse(options.steer).sources
    return tuple(source for source, _ in options.vectors)


def request_of(options: argparse.Namespace, asked: PromptSet, sets: Mapping[str, VectorSet]) -> Any:
    """The request of these options; a leaderboard has at least as many random directions as vectors."""
    analysis = analysis_of(options)
    if analysis.over == "mix":
        given = {"recipe": parse(options.steer), "multipliers": options.scales, **_common(options, asked)}
    else:
        given = _over_scales(options, asked, sets)
    for option in analysis.options:
        if option.field is not None and (value := getattr(options, option.attribute)) is not None:
            given[option.field] = option.value(value)
    if analysis.generates:
        given["sampling"] = sampling_of(options)
    if options.leaderboard:
        given["controls"] = max(given.get("controls", OverScales.controls), len(given["vectors"]))
    return measure_request(analysis, asked, **given)


def _common(options: argparse.Namespace, asked: PromptSet) -> dict[str, Any]:
    """Fields of all requests. Raises InputError for more items than there are."""
    return {
        **({} if options.controls is None else {"controls": options.controls}),
        "seed": options.seed,
        "format": format_of(options, asked),
        "positions": options.positions,
        "max_items": count_of(options, asked),
        **chosen_fields(options),
    }


def scale_fields(options: argparse.Namespace, sets: Mapping[str, VectorSet]) -> dict[str, Any]:
    """Fields `scales` and `unit`, empty for the usual found scales. Raises InputError for a set without these."""
    if options.scales is not None:
        return {"scales": options.scales, "unit": options.unit or "a"}
    for source, vector_set in sets.items():
        if not has_found_scales(vector_set):
            raise InputError(
                f"Expected --scales, or found scales in {source}, got neither; write scales, such as --scales=-0.5,0.5 "
                f"--unit r, or run `python -m playground calibrate --vectors {source}` first."
            )
    return {}


def vectors_of(options: argparse.Namespace, sets: Mapping[str, VectorSet]) -> tuple[MeasuredVector, ...]:
    """The rows and averages that --vectors and --rows name. Raises InputError for rows that are not there."""
    return tuple(
        vector for source, rows in options.vectors for vector in read_vectors(source, rows or "all", sets[source])
    )


def _over_scales(options: argparse.Namespace, asked: PromptSet, sets: Mapping[str, VectorSet]) -> dict[str, Any]:
    """Fields of a request of vectors × scales. Raises InputError for rows that are not there."""
    return {
        "vectors": vectors_of(options, sets),
        **scale_fields(options, sets),
        **_common(options, asked),
    }
