"""Standings of measured curves: swing, best scale, monotonicity, symmetry.

Random directions have standings too, so that a vector can be compared with the best of as many random ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.analyses.common.result import Kind
from playground.analyses.common.table import directions_of
from playground.errors import InputError

if TYPE_CHECKING:
    from playground.analyses.choices.result import MeasuredRow, MeasureResult


@dataclass(frozen=True)
class Standing:
    """One direction over its scales. `layer` distinguishes random directions of one name.

    swing: mean logit difference at +x minus that at −x, at the x where that is largest by absolute value (`swing_at`,
    the norm of +x), in nats: how well the two signs do opposite things. best: the highest mean at any scale, at
    `best_scale` (a norm, with its sign) and `best_relative`, which is the `best_place`-th of its scales from 0.
    monotonicity: Spearman's rank correlation of mean and scale. symmetry: 1 when +x and −x move the mean equally far in
    opposite ways, 0 when both move it equally far the same way, over all x together; None where no scale stands on both
    sides, or nothing moves.
    """

    kind: Kind
    name: str
    layer: int | None
    swing: float
    swing_at: float
    best: float
    best_scale: float
    best_relative: float
    best_place: int
    monotonicity: float
    symmetry: float | None


def standings(result: MeasureResult) -> tuple[Standing, ...]:
    """A standing for every direction all of whose scales are measured: vectors first, in the order of the rows. Rows
    that are not finite do not count.

    Raises InputError for a measurement without two scales, x and −x, to compare.
    """
    scales = result.request.scales
    if not any(scale > 0 and -scale in scales for scale in scales):
        raise InputError("Expected scales on both sides of 0, such as -0.5 and 0.5, got none; add the other sign.")
    found, unit = [], result.request.unit
    for rows in directions_of(result):
        if len(rows) == len(scales) and _pairs(rows, unit):
            found.append(_standing(rows, result.baseline.mean, unit))
    return tuple(found)


def best_random(found: Sequence[Standing]) -> Standing | None:
    """The random direction with the largest swing by absolute value."""
    drawn = [standing for standing in found if standing.kind == "random"]
    return max(drawn, key=lambda standing: abs(standing.swing), default=None)


def draws(found: Sequence[Standing]) -> int:
    """How many random directions there are: one that was measured at several norms of a layer was drawn once."""
    return len({(standing.layer, standing.name) for standing in found if standing.kind == "random"})


def _standing(rows: Sequence[MeasuredRow], baseline: float, unit: str) -> Standing:
    pairs, every = _pairs(rows, unit), rows
    rows = [row for row in rows if math.isfinite(row.mean)]
    swing_at = max(pairs, key=lambda scale: abs(pairs[scale][0] - pairs[scale][1]))
    up, down = pairs[swing_at]
    widest = next(row for row in rows if row.at(unit) == swing_at)
    top = max(rows, key=lambda row: row.mean)
    return Standing(
        kind=rows[0].kind,
        name=rows[0].name,
        layer=rows[0].layer,
        swing=up - down,
        swing_at=widest.scale,
        best=top.mean,
        best_scale=top.scale,
        best_relative=top.relative,
        best_place=[row is top for row in every].index(True),
        monotonicity=spearman([row.scale for row in rows], [row.mean for row in rows]),
        symmetry=_symmetry([(up - baseline, down - baseline) for up, down in pairs.values()]),
    )


def _pairs(rows: Sequence[MeasuredRow], unit: str) -> dict[float, tuple[float, float]]:
    """The means at x and −x, by x in a unit of scales, where both are finite."""
    means = {row.at(unit): row.mean for row in rows if math.isfinite(row.mean)}
    return {scale: (mean, means[-scale]) for scale, mean in means.items() if scale > 0 and -scale in means}


def _symmetry(shifts: Sequence[tuple[float, float]]) -> float | None:
    """The opposite part of the shifts a and b in both signs: 1 − Σ|a + b| / Σ(|a| + |b|)."""
    moved = sum(abs(up) + abs(down) for up, down in shifts)
    return 1 - sum(abs(up + down) for up, down in shifts) / moved if moved > 0 else None


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation; 0 where one of the two does not vary."""
    if len(set(first)) == 1 or len(set(second)) == 1:
        return 0.0
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def best_rows(result: MeasureResult, found: Sequence[Standing]) -> list[int]:
    """Index of the row of each direction at its best scale. Random directions of one name, layer and norm are the same,
    and the first of their rows counts.
    """
    places: dict[tuple[Any, ...], int] = {}
    for place, row in enumerate(result.rows):
        places.setdefault((row.kind, row.name, row.layer, row.scale), place)
    return [places[one.kind, one.name, one.layer, one.best_scale] for one in found]
