"""Measuring what vectors do to choices: a request, rows as they are finished, and a result to keep and compare."""

from playground.services.measure.request import MeasuredVector, MeasureRequest
from playground.services.measure.result import MeasuredItem, MeasuredRow, MeasureProgress, MeasureResult, SkippedItem

__all__ = [
    "MeasureProgress",
    "MeasureRequest",
    "MeasureResult",
    "MeasuredItem",
    "MeasuredRow",
    "MeasuredVector",
    "SkippedItem",
]
