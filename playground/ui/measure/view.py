"""Lookups in a result over scales, whatever its analysis: rows by vector, curves, the chosen row and item."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from playground.analyses.common.labels import UNLABELLED, Labels, labels_of
from playground.analyses.common.result import SCALE_NAMES, Measurement, Row
from playground.analyses.common.scales_result import ScalesResult
from playground.analyses.common.table import directions_of
from playground.analyses.replies.run import RepliesRow
from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor
from playground.ui.measure.scale_plots import Curve
from playground.ui.measure.state import Look, MeasureState

Bounds = tuple[float, float, float]
"""A value, and the interval it lies in."""
R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class HasRows(Protocol[R_co]):
    """A result over scales with rows of one class."""

    @property
    def rows(self) -> tuple[R_co, ...]: ...


def labels_now(frame: Frame, visitor: Visitor, *results: Measurement | None) -> Labels:
    """The labels that the vectors of these measurements have now, in the library and in the visitor's computed set;
    stored as those the visitor was shown last.
    """
    state = MeasureState.of(visitor)
    sets = (one for result in results if result is not None for one in result.sets)
    state.labels = labels_of(sets, lambda name: frame.any_set(visitor, name))
    return state.labels


def named(result: HasRows[R]) -> dict[str, list[R]]:
    """The rows of every vector by name, in the order of the request."""
    rows: dict[str, list[R]] = {}
    for row in result.rows:
        if row.kind == "vector":
            rows.setdefault(row.name, []).append(row)
    return rows


def random_rows(result: ScalesResult, layer: int | None = None) -> list[list[Row]]:
    """The rows of every random direction, those at one layer where that is given."""
    groups = [rows for rows in directions_of(result) if rows[0].kind == "random"]
    return [rows for rows in groups if layer is None or rows[0].layer == layer]


def x_of(row: Row, result: ScalesResult) -> float:
    """The position of a row on the axis of scales."""
    return row.at(result.request.unit)


def scale_axis(result: ScalesResult) -> str:
    """The title of the axis of scales."""
    unit = result.request.unit
    return "scale (norm of what is added)" if unit == "a" else SCALE_NAMES[unit]


def curves(
    result: ScalesResult,
    groups: Sequence[Sequence[R]],
    value: Callable[[R], Bounds],
    labels: Labels = UNLABELLED,
) -> list[Curve]:
    """A curve for each group of rows, on the axis of `result`; `value` gives (value, low, high) of a row."""
    drawn = []
    for rows in groups:
        bounds, name = [value(row) for row in rows], rows[0].name
        scales = [x_of(row, result) for row in rows]
        values, lows, highs = ([each[i] for each in bounds] for i in range(3))
        drawn.append(Curve(name, scales, values, lows, highs, called=labels.called(name)))
    return drawn


def mean_of(row: Row) -> Bounds:
    """The quantity of the main plot, by which rows are judged, and its interval."""
    return row.bounds


def group_of(place: int) -> Callable[[RepliesRow], Bounds]:
    """The function from a row to the share of the group of replies at that place, and its interval."""
    return lambda row: row.shares[place].bounds


def span(rows: Sequence[Row]) -> float:
    """The range of the values of a curve; the vector with the largest is chosen first."""
    values = [value for row in rows if math.isfinite(value := mean_of(row)[0])]
    return max(values) - min(values) if values else 0.0


def best(result: ScalesResult) -> Look | None:
    """The default point: the vector of largest span, where it is farthest from the baseline; None without rows."""
    groups = named(result)
    if not groups:
        return None
    name = max(groups, key=lambda name: span(groups[name]))
    baseline = mean_of(result.baseline)[0]
    place = max(range(len(groups[name])), key=lambda place: abs(mean_of(groups[name][place])[0] - baseline))
    return Look(name, place)


def row_at(result: ScalesResult, look: Look) -> Row | None:
    """The row at a point; None while it is not measured."""
    rows = named(result).get(look.name, [])
    return rows[look.place] if 0 <= look.place < len(rows) else None


def place_of(result: ScalesResult, number: int | None) -> int | None:
    """The place of an item among those that were measured, by its number; None for one that was not."""
    return next((place for place, (each, _) in enumerate(result.questions) if each == number), None)
