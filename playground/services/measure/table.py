"""A table like the published ones: method × scale, the best vector of each method, and out of how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from playground.errors import InputError
from playground.services.measure.result import MeasuredRow, MeasureResult


@dataclass(frozen=True)
class MethodLine:
    """The vector of `method` with the largest swing, out of `tried`: its mean difference at each scale of the table,
    None where it was not measured. `name` is the vector's; `swing` the span of its means, the baseline's included.
    """

    method: str
    name: str
    tried: int
    swing: float
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


RANDOM = "random controls"


def method_table(results: Sequence[MeasureResult]) -> MethodTable:
    """The best vector of every method in one or several results on the same items of the same model.

    The best is picked by its swing on these very items, so it flatters: the line of random controls, picked in the same
    way, says by how much. Only directions of which every scale was measured take part. Raises InputError for no
    result and for results that do not compare.
    """
    if not results:
        raise InputError("Expected at least one result, got none; measure something first.")
    first = results[0]
    for other in results[1:]:
        _check_same(first, other)
    methods: dict[str, dict[tuple[int, str, int | None], dict[float, MeasuredRow]]] = {}
    relative = first.request.relative
    for number, result in enumerate(results):
        of_source = {one.source: one.method for one in result.sets}
        for row in result.rows:
            method = RANDOM if row.kind == "random" else of_source.get(row.source or "", "unknown")
            # Results that share their seed share their controls.
            whose = (result.request.seed if row.kind == "random" else number, row.name, row.layer)
            methods.setdefault(method, {}).setdefault(whose, {})[_scale(row, relative)] = row
    scales = tuple(sorted({_scale(row, relative) for result in results for row in result.rows}))
    lines = [
        _line(method, list(curves.values()), scales, first.baseline.mean) for method, curves in methods.items()
    ]
    lines.sort(key=lambda line: line.method == RANDOM)
    return MethodTable(scales, relative, first.baseline.mean, len(first.items), tuple(lines))


def _line(
    method: str, curves: Sequence[Mapping[float, MeasuredRow]], scales: Sequence[float], baseline: float
) -> MethodLine:
    most = max(map(len, curves))
    whole = [curve for curve in curves if len(curve) == most]
    swings = [swing(tuple(curve.values()), baseline) for curve in whole]
    best = whole[swings.index(max(swings))]
    means = tuple(best[scale].mean if scale in best else None for scale in scales)
    return MethodLine(method, next(iter(best.values())).name, len(whole), max(swings), means)


def swing(rows: Sequence[MeasuredRow], baseline: float) -> float:
    """How far the means of a direction's rows lie apart, the baseline's among them."""
    means = [baseline, *(row.mean for row in rows)]
    return max(means) - min(means)


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
