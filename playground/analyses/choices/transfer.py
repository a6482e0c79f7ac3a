"""Transfer matrix: vectors × choice sets, every vector with one push, and flags where a change may be noise.

The push of a vector is chosen on one set, its home, and applied to the others as it is. The home's own change is the
best of several scales and biased upwards by the choice; those of the other sets are not.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from playground.analyses.choices.standings import spearman
from playground.analyses.choices.summary import paired_change
from playground.analyses.common.table import directions_of
from playground.errors import InputError

if TYPE_CHECKING:
    from playground.analyses.choices.result import MeasuredRow, MeasureResult

Polarity = Literal[1, -1]
"""1 where the answer that shows the behaviour is the wanted one, −1 where it is the other."""

PULL, ORDER, SPREAD, RANDOM = "pull to 50/50", "no order over scales", "spread collapsed", "no more than random"
FLAGS = {
    PULL: "log-odds go towards 0: of items above and of items below it, or with both signs of the push",
    ORDER: "rank correlation of mean and scale below 0.5 by absolute value",
    SPREAD: "item differences vary less than half as much as without the push (told from 8 items on)",
    RANDOM: "a random direction of equal norm changes the mean as far",
}
_ORDERED, _SPREAD = 0.5, 0.5
_SIDES, _SPREAD_ITEMS = 3, 8
"""Items on either side of 0, and items for a spread, below which nothing is told."""


@dataclass(frozen=True)
class TransferColumn:
    """A choice set: its name, what its answers count as, and the model without a push (`mean` of the log-odds of the
    wanted answer in nats, `share` of the items on which it wins).
    """

    choices: str
    polarity: Polarity
    items: int
    mean: float
    share: float


@dataclass(frozen=True)
class TransferCell:
    """A vector's push on one set. `change` is that of the mean log-odds of the wanted answer, in nats, with its 95 %
    interval (paired bootstrap over items); `share` the part of items on which it wins; `random` the largest change of a
    random direction at this scale, by absolute value; `order` the rank correlation of mean and scale over all scales;
    `spread` the standard deviation of item differences relative to that without a push. NaN where numbers were not
    finite. `flags` are out of FLAGS.
    """

    change: float
    low: float
    high: float
    share: float
    random: float
    order: float
    spread: float
    flags: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """The wanted answer gains, its interval is above 0, and nothing flags it as noise."""
        return self.low > 0 and not self.flags


@dataclass(frozen=True)
class TransferRow:
    """A vector with its push: `place` is the scale in the unit of the request, `scale` the norm, with its sign. `home`
    is the index of the column that it was chosen on, `cells` one a column.
    """

    vector: str
    place: float
    scale: float
    relative: float
    home: int
    cells: tuple[TransferCell, ...]

    @property
    def transfers(self) -> tuple[int, ...]:
        """The columns other than its home on which it holds."""
        return tuple(place for place, cell in enumerate(self.cells) if place != self.home and cell.holds)


@dataclass(frozen=True)
class TransferMatrix:
    """Vectors in the order of the request; those with a scale missing in a set are left out."""

    columns: tuple[TransferColumn, ...]
    rows: tuple[TransferRow, ...]

    @property
    def elsewhere(self) -> tuple[int, int, int]:
        """Of the cells outside of homes: how many hold, how many are flagged, and all of them."""
        cells = [cell for row in self.rows for place, cell in enumerate(row.cells) if place != row.home]
        return sum(cell.holds for cell in cells), sum(bool(cell.flags) for cell in cells), len(cells)


def transfer_matrix(
    results: Sequence[MeasureResult], polarities: Sequence[Polarity], home: str | None = None
) -> TransferMatrix:
    """The matrix of measurements of the same vectors at the same scales, one result a choice set.

    The push of a vector is the scale at which the wanted answer of its home gains most beyond the best random
    direction of that scale; scales where the spread of items collapses come last. `home` is the name of the set that is
    the home of all vectors; without it each has the set where it gains most.
    Raises InputError for results that cannot be put side by side and for a home that is none of the sets.
    """
    _check(results, polarities, home)
    columns = tuple(map(_column, results, polarities))
    homes = [place for place, column in enumerate(columns) if home in (None, column.choices)]
    curves = [_curves(result) for result in results]
    rows = []
    for name in [name for name in curves[0] if all(name in each for each in curves)]:
        places = sorted(place for place in curves[0][name] if place != 0)
        found = {
            place: tuple(
                _cell(result, each[name], place, polarity)
                for result, each, polarity in zip(results, curves, polarities, strict=True)
            )
            for place in places
        }
        at, best = max(((place, column) for place in places for column in homes), key=lambda key: _rank(found, *key))
        row = curves[0][name][at]
        rows.append(TransferRow(name, at, row.scale, row.relative, best, found[at]))
    return TransferMatrix(columns, tuple(rows))


def _check(results: Sequence[MeasureResult], polarities: Sequence[Polarity], home: str | None) -> None:
    if len(results) < 2:
        raise InputError(f"Expected at least two choice sets to transfer between, got {len(results)}; add another.")
    if len(polarities) != len(results):
        raise ValueError(f"Expected a polarity for each of {len(results)} results, got {len(polarities)}.")
    first = results[0]
    for other in results[1:]:
        for what, here, there in (
            ("model", first.fingerprint, other.fingerprint),
            ("vectors", first.request.vectors, other.request.vectors),
            ("scales", (first.request.scales, first.request.unit), (other.request.scales, other.request.unit)),
        ):
            if here != there:
                raise InputError(f"Expected measurements of the same {what}, got two; measure the sets alike.")
    check_names([result.request.choices.name for result in results], home)


def check_names(names: Sequence[str], home: str | None) -> None:
    """Raises InputError for a choice set that comes twice, and for a home that is none of them."""
    if len(set(names)) < len(names):
        raise InputError("Expected different choice sets, got one of them twice; leave it out.")
    if home is not None and home not in names:
        raise InputError(f"Expected a home out of {', '.join(names)}, got {home}; choose one of them.")


def _column(result: MeasureResult, polarity: Polarity) -> TransferColumn:
    share = result.baseline.share if polarity == 1 else 1 - result.baseline.share
    return TransferColumn(
        result.request.choices.name, polarity, len(result.items), polarity * result.baseline.mean, share
    )


def _curves(result: MeasureResult) -> dict[str, dict[float, MeasuredRow]]:
    """The rows of every vector whose scales are all measured, by the scale in the unit of the request."""
    unit, most = result.request.unit, len(result.request.scales)
    return {
        rows[0].name: {_rounded(row, unit): row for row in rows}
        for rows in directions_of(result)
        if rows[0].kind == "vector" and len(rows) == most
    }


def _rounded(row: MeasuredRow, unit: str) -> float:
    return round(row.at(unit), 9)


def _rank(found: Mapping[float, Sequence[TransferCell]], place: float, column: int) -> tuple[bool, float]:
    cell = found[place][column]
    gain = cell.change - cell.random
    return SPREAD not in cell.flags and math.isfinite(gain), gain if math.isfinite(gain) else -math.inf


def _cell(result: MeasureResult, curve: Mapping[float, MeasuredRow], place: float, polarity: Polarity) -> TransferCell:
    row, baseline = curve[place], result.baseline
    if not math.isfinite(row.mean) or not math.isfinite(baseline.mean):
        return TransferCell(*(math.nan,) * 7, flags=())
    change, low, high = paired_change(result, row)
    if polarity == -1:
        change, low, high = -change, -high, -low
    random = [
        abs(each.mean - baseline.mean)
        for each in result.rows
        if each.kind == "random" and each.layer == row.layer and _rounded(each, result.request.unit) == place
    ]
    farthest = max((each for each in random if math.isfinite(each)), default=0.0)
    finite = {0.0: baseline.mean} | {at: each.mean for at, each in curve.items() if math.isfinite(each.mean)}
    order = spearman(list(finite), list(finite.values()))
    before = statistics.pstdev(baseline.differences)
    spread = statistics.pstdev(row.differences) / before if before > 0 else math.nan
    flags = {
        PULL: _pulled(baseline, row, curve.get(-place)),
        ORDER: len(finite) > 2 and abs(order) < _ORDERED,
        SPREAD: len(result.items) >= _SPREAD_ITEMS and spread < _SPREAD,
        RANDOM: abs(change) <= farthest,
    }
    share = row.share if polarity == 1 else 1 - row.share
    raised = tuple(name for name, is_raised in flags.items() if is_raised)
    return TransferCell(change, low, high, share, farthest, order, spread, raised)


def _pulled(baseline: MeasuredRow, row: MeasuredRow, opposite: MeasuredRow | None) -> bool:
    """Whether log-odds go towards 0 rather than one way, and not past it."""
    pairs = list(zip(baseline.differences, row.differences, strict=True))
    above = [after - before for before, after in pairs if before > 0]
    below = [after - before for before, after in pairs if before < 0]
    if min(len(above), len(below)) >= _SIDES and statistics.fmean(above) < 0 < statistics.fmean(below):
        return True
    if opposite is None or not math.isfinite(opposite.mean) or baseline.mean == 0:
        return False
    return all(0 <= each.mean / baseline.mean < 1 for each in (row, opposite))
