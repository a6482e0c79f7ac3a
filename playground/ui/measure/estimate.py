"""Estimated time of a measurement, shown before the click."""

from __future__ import annotations

from playground.analyses.common.request import counted
from playground.model.load import LoadedModel
from playground.services.estimates import expected, work_of_measure
from playground.ui.kit.markup import estimate
from playground.ui.measure.form import Request

MANY_ROWS = 600
"""Vectors whose angles take a second to work out."""


def hint(loaded: LoadedModel, request: Request) -> str:
    """A line with the amount of a measurement and its estimated time, as HTML."""
    return estimate(request.amount, expected(loaded, work_of_measure(loaded, request)))


def comparing(rows: int) -> str:
    """A line with the cost of comparing so many vectors, as HTML: none of the model's time, and seconds for many."""
    took = "at once" if rows < MANY_ROWS else "some seconds"
    return estimate(f"{counted(rows, 'vector')}, the model is not asked", took)
