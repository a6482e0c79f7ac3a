"""Measuring what vectors do to choices: a request, rows as they are finished, and a result to keep and compare."""

from playground.services.measure.request import MeasuredVector, MeasureRequest
from playground.services.measure.result import (
    MeasuredItem,
    MeasuredRow,
    MeasuredSet,
    MeasureProgress,
    MeasureResult,
    SkippedItem,
)
from playground.services.measure.run import measure

__all__ = [
    "MeasureProgress",
    "MeasureRequest",
    "MeasureResult",
    "MeasuredItem",
    "MeasuredRow",
    "MeasuredSet",
    "MeasuredVector",
    "SkippedItem",
    "measure",
]
