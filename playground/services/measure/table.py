"""A table like the published ones: method × scale, the best vector of each method, and out of how many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playground.errors import InputError
from playground.services.measure.result import MeasuredRow, MeasureResult
from playground.services.measure.standings import directions_of


@dataclass(frozen=True)
class MethodLine:
    """The vector of `method` with the largest span, out of `tried`: its mean difference at each scale of the table,
    None where it was not measured. `name` is the vector's; `span` is how far its means lie apart, the baseline's among
    them (not the swing of a Standing, which compares both signs). A random direction at several norms is tried once.
    """

    method: str
    name: str
    tried: int
    span: float
    means: tuple[float | None, ...]


@dataclass(frozen=True)
class MethodTable:
    """Lines in the order in which methods come, random directions last. `scales` are relative when `relative`."""

    scales: tuple[float, ...]
    relative: bool
    baseline: float
    items: int
    lines: tuple[MethodLine, ...]

    @property
    def tried(self) -> int:
        """How many vectors the best were taken from, random ones left out."""
        return sum(line.tried for line in self.lines if line.method != RANDOM)

    @property
    def drawn(self) -> int:
        """How many random directions stand beside them."""
        return sum(line.tried for line in self.lines if line.method == RANDOM)


RANDOM = "random controls"
_Curve = tuple[tuple[int, str, int | None], str]
"""Of which result or seed, which direction and at which layer; and at which norm."""


def method_table(results: Sequence[MeasureResult]) -> MethodTable:
    """The best vector of every method in one or several results on the same items of the same model.

    The best is picked by its span on these very items, so it flatters: the line of random controls, picked in the same
    way, says by how much. Only directions of which every scale was measured take part. Raises InputError for no
    result and for results that do not compare.
    """
    if not results:
        raise InputError("Expected at least one result, got none; measure something first.")
    first = results[0]
    for other in results[1:]:
        _check_same(first, other)
    methods: dict[str, dict[_Curve, dict[float, MeasuredRow]]] = {}
    relative = first.request.relative
    for number, result in enumerate(results):
        of_source = {one.source: one.method for one in result.sets}
        for rows in directions_of(result):
            kind, name, layer = rows[0].kind, rows[0].name, rows[0].layer
            method = RANDOM if kind == "random" else of_source.get(rows[0].source or "", "unknown")
            # Results that share their seed share their controls.
            whose = (result.request.seed if kind == "random" else number, name, layer)
            curve = methods.setdefault(method, {}).setdefault((whose, _unit(rows, relative)), {})
            curve |= {_scale(row, relative): row for row in rows}
    scales = tuple(sorted({_scale(row, relative) for result in results for row in result.rows}))
    lines = [_line(method, curves, scales, first.baseline.mean) for method, curves in methods.items()]
    lines.sort(key=lambda line: line.method == RANDOM)
    return MethodTable(scales, relative, first.baseline.mean, len(first.items), tuple(lines))


def _line(
    method: str, curves: Mapping[_Curve, Mapping[float, MeasuredRow]], scales: Sequence[float], baseline: float
) -> MethodLine:
    most = max(map(len, curves.values()))
    whole = {key: curve for key, curve in curves.items() if len(curve) == most}
    spans = {key: span(tuple(curve.values()), baseline) for key, curve in whole.items()}
    widest = max(spans, key=spans.__getitem__)
    best, tried = whole[widest], len({whose for whose, _ in whole})
    means = tuple(best[scale].mean if scale in best and math.isfinite(best[scale].mean) else None for scale in scales)
    return MethodLine(method, next(iter(best.values())).name, tried, spans[widest], means)


def span(rows: Sequence[MeasuredRow], baseline: float) -> float:
    """How far the means of a direction's rows lie apart, the baseline's among them."""
    means = [baseline, *(row.mean for row in rows if math.isfinite(row.mean))]
    return max(means) - min(means)


def _unit(rows: Sequence[MeasuredRow], relative: bool) -> str:
    """The norm of relative scale 1, as finely as it can be told from rows: one random direction may stand at several.
    Without relative scales, and at scale 0 alone, it says nothing.
    """
    norms = (row.scale / row.relative for row in rows if relative and row.relative != 0)
    return f"{next(norms, 0.0):.6g}"


def _scale(row: MeasuredRow, relative: bool) -> float:
    return round(row.relative, 9) if relative else row.scale


def _check_same(first: MeasureResult, other: MeasureResult) -> None:
    pairs = {
        "model": (first.fingerprint, other.fingerprint),
        "choice set": (first.request.choices.hash, other.request.choices.hash),
        "items": (first.request.items, other.request.items),
        "prompt format": (first.request.format, other.request.format),
        "positions": (first.request.positions, other.request.positions),
        "unit of scales": (first.request.relative, other.request.relative),
    }
    for what, (one, two) in pairs.items():
        if one != two:
            raise InputError(
                f"Expected results on the same {what}, got two; compare those that differ in vectors and scales only."
            )
