"""A measurement as the page sees it: curves over scales, and single items at one scale, whatever was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.choices.standings import directions_of
from playground.analyses.common.labels import UNLABELLED, Labels, labels_of
from playground.analyses.common.measurements import KINDS
from playground.analyses.common.result import SCALE_NAMES
from playground.analyses.exact.run import ExactResult, ExactRow
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesResult, RepliesRow
from playground.errors import InputError
from playground.library.recipe import format as format_recipe
from playground.ui.frame import Frame
from playground.ui.measure_form import CHOICES, EXACT, NEXT, REPLIES
from playground.ui.measure_plots import Axes, Curve
from playground.ui.state import Visitor
from playground.ui.vector_picker import rounded

Row = MeasuredRow | ExactRow | RepliesRow
Result = MeasureResult | ExactResult | RepliesResult
"""What is seen of vectors over scales, item by item; a mix that is followed over multiples has no items."""
NAMED = dict(zip(KINDS, (CHOICES, EXACT, NEXT, REPLIES), strict=True))
"""What the page calls the kinds of kept measurements."""


@dataclass(frozen=True)
class Look:
    """What is looked at: a curve by its name, the place of a scale on it, and an item by its number in the set."""

    name: str
    place: int
    item: int | None = None


def labels_now(frame: Frame, visitor: Visitor, *results: Result | Shifts | None) -> Labels:
    """What the vectors of these measurements are called now, in the library and in what this visitor computed. It is
    noted as what the visitor was shown last.
    """
    sets = (one for result in results if result is not None for one in result.sets)
    visitor.measure_labels = labels_of(sets, lambda name: frame.any_set(visitor, name))
    return visitor.measure_labels


def named(result: Result) -> dict[str, list[Row]]:
    """The rows of every vector by name, in the order of the request."""
    rows: dict[str, list[Row]] = {}
    for row in result.rows:
        if row.kind == "vector":
            rows.setdefault(row.name, []).append(row)
    return rows


def random_rows(result: Result, layer: int | None = None) -> list[list[Row]]:
    """The rows of every random direction, those at one layer where that is given."""
    groups = [rows for rows in directions_of(result) if rows[0].kind == "random"]
    return [rows for rows in groups if layer is None or rows[0].layer == layer]


def x_of(row: Row, result: Result) -> float:
    """Where a row stands on the axis of scales."""
    return row.at(result.request.unit)


def scale_axis(result: Result) -> str:
    unit = result.request.unit
    return "scale (norm of what is added)" if unit == "a" else SCALE_NAMES[unit]


def mix_name(seen: Shifts) -> str:
    """What is followed: a vector by its name, a mix as its recipe."""
    components = seen.request.recipe.components
    if len(components) == 1 and components[0].row is not None:
        return f"{components[0].source}#{components[0].row}"
    return format_recipe(seen.request.recipe)


def multiple_axis(seen: Shifts) -> str:
    """What multiples of a mix are: scales, where it is one vector of norm 1 or as long as the residual stream."""
    components = seen.request.recipe.components
    if len(components) == 1 and components[0].row is not None:
        if components[0].amount == rounded(seen.sets[0].residual_norm):
            return "relative scale"
        if components[0].amount == 1:
            return "scale (norm of what is added)"
    return f"multiple of {format_recipe(seen.request.recipe)}"


def curves(
    result: Result,
    groups: Sequence[Sequence[Row]],
    value: Callable[[Row], tuple[float, float, float]],
    labels: Labels = UNLABELLED,
) -> list[Curve]:
    """A curve for each group of rows, on the axis of `result`; `value` gives (value, low, high) of a row."""
    drawn = []
    for rows in groups:
        values = [value(row) for row in rows]
        scales = [x_of(row, result) for row in rows]
        name, bounds = rows[0].name, ([entry[i] for entry in values] for i in range(3))
        drawn.append(Curve(name, scales, *bounds, called=labels.called(name)))
    return drawn


def mean_of(row: Row) -> tuple[float, float, float]:
    """What the main plot shows: the mean logit difference, the accuracy, or the share of the first group of replies."""
    if isinstance(row, RepliesRow):
        return group_of(0)(row)
    return (row.share if isinstance(row, ExactRow) else row.mean), row.low, row.high


def group_of(place: int) -> Callable[[RepliesRow], tuple[float, float, float]]:
    """The share of the group of replies at that place, and its interval, of a row."""

    def shares(row: RepliesRow) -> tuple[float, float, float]:
        share = row.shares[place]
        return share.share, share.low, share.high

    return shares


def share_of(row: MeasuredRow) -> tuple[float, float, float]:
    """The share of items on which the behaviour wins."""
    return row.share, row.share, row.share


def span(rows: Sequence[Row]) -> float:
    """How far apart the values of a curve lie: the vector that is looked at first has the largest."""
    values = [value for row in rows if math.isfinite(value := mean_of(row)[0])]
    return max(values) - min(values) if values else 0.0


def best(result: Result) -> Look | None:
    """What is looked at first: the vector with the largest span, at the scale farthest from the baseline."""
    groups = named(result)
    if not groups:
        return None
    name = max(groups, key=lambda name: span(groups[name]))
    baseline = mean_of(result.baseline)[0]
    place = max(range(len(groups[name])), key=lambda place: abs(mean_of(groups[name][place])[0] - baseline))
    return Look(name, place)


def check_beside(result: Result | Shifts, before: Result | Shifts) -> None:
    """Raises InputError unless `before` can be drawn on the axes of `result`."""
    if type(before) is not type(result) or before.request.asked.hash != result.request.asked.hash:
        raise InputError(
            "Expected two measurements of one kind and one set to draw beside each other, got others; choose another."
        )
    if isinstance(result, RepliesResult) and before.request.patterns != result.request.patterns:
        raise InputError(
            "Expected replies searched for the same patterns to draw beside each other, got others; choose another."
        )
    if isinstance(result, Shifts) and multiple_axis(before) != multiple_axis(result):
        raise InputError(
            f"Expected another one over the same axis, {multiple_axis(result)}, got one over {multiple_axis(before)}; "
            "choose another."
        )


def row_at(result: Result, look: Look) -> Row | None:
    """The row that is looked at; None while it is not measured."""
    rows = named(result).get(look.name, [])
    return rows[look.place] if 0 <= look.place < len(rows) else None


def main_axes(result: Result) -> Axes:
    if isinstance(result, ExactResult):
        return Axes(scale_axis(result), "part of right answers", share=True)
    if isinstance(result, RepliesResult):
        return Axes(scale_axis(result), "share of replies", share=True)
    return Axes(scale_axis(result), "mean logit difference / nats")


def items_of(result: Result) -> list[tuple[int, str]]:
    """Number in the set and question of every item that was measured."""
    if isinstance(result, MeasureResult):
        return [(item.number, item.question) for item in result.items]
    return list(zip(result.request.places, result.request.questions_asked, strict=True))


def place_of(result: Result, number: int) -> int | None:
    """Where an item stands among those that were measured; None when it was skipped or is not there."""
    return next((place for place, (each, _) in enumerate(items_of(result)) if each == number), None)
