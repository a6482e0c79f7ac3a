"""Table of the best vector of each vector set over scales, and the number of vectors it was chosen from.

Sets are distinguished by their vectors, not by their method: the same method on other prompts has a line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from playground.analyses.common.result import MeasuredSet, Row
from playground.errors import InputError

if TYPE_CHECKING:
    from playground.analyses.analysis import Analysis
    from playground.analyses.common.request import OverScales
    from playground.analyses.common.scales_result import ScalesResult

RANDOM = "random controls"

R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class RowsOf(Protocol[R_co]):
    """A result of vectors over scales, by the type of its rows."""

    @property
    def request(self) -> OverScales: ...

    @property
    def rows(self) -> tuple[R_co, ...]: ...


def value_of(row: Row) -> float:
    """The value of a row: the quantity of its analysis."""
    return row.bounds[0]


def directions_of(result: RowsOf[R]) -> list[list[R]]:
    """The rows grouped by direction. Rows of one direction are neighbours with ascending scales: a scale that does not
    exceed the previous one, as a norm, relative and in the unit of the request, begins another direction, such as the
    same random one at other norms.
    """
    groups: list[list[R]] = []
    for row in result.rows:
        if groups and _goes_on(groups[-1][-1], row, result.request.unit):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _goes_on(last: Row, row: Row, unit: str) -> bool:
    same = (last.kind, last.name, last.layer) == (row.kind, row.name, row.layer)
    return same and row.scale > last.scale and row.relative > last.relative and row.at(unit) > last.at(unit)


@dataclass(frozen=True)
class SetLine:
    """The vector of one set with the largest span, out of `tried`, and its row at each scale of the table, None where
    it was not measured.

    `set` is the name of the set ("" for the line of random directions, whose `method` is RANDOM), followed by the
    beginning of its digest where another set of that name is in the table. `name` is the vector's; `span` is the range
    of its values, the baseline's included (not the swing of a Standing, which compares both signs). A random direction
    at several norms counts once in `tried`.
    """

    method: str
    set: str
    name: str
    tried: int
    span: float
    rows: tuple[Row | None, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        """`value_of` at each scale; None where it was not measured, and where it is not finite."""
        values = (math.nan if row is None else value_of(row) for row in self.rows)
        return tuple(value if math.isfinite(value) else None for value in values)


@dataclass(frozen=True)
class SetTable:
    """Lines in the order in which sets come, random directions last. `scales` are in `unit`."""

    analysis: Analysis
    scales: tuple[float, ...]
    unit: str
    baseline: Row
    items: int
    lines: tuple[SetLine, ...]

    @property
    def tried(self) -> int:
        """How many vectors the best were taken from, random ones left out."""
        return sum(line.tried for line in self.lines if line.method != RANDOM)

    @property
    def drawn(self) -> int:
        """How many random directions the best one was taken from."""
        return sum(line.tried for line in self.lines if line.method == RANDOM)


_Curve = tuple[tuple[int, str, int | None], str]
"""Key of a curve: number of the result (of random directions the seed), direction and layer; and the norm."""
_Set = tuple[str, str]
"""The name and the digest of a set; two empty texts for random directions."""
_DIGEST = 8
"""Characters of a digest that are shown to distinguish two sets of one name."""


def set_table(results: Sequence[ScalesResult]) -> SetTable:
    """The best vector of every set in one or several results of one kind, on the same items of the same model.

    The best is selected by its span on the same items, which biases its values upwards; the line of random controls,
    selected in the same way, shows by how much. Directions with missing scales are left out. Raises InputError for no
    result and for results that cannot be compared.
    """
    if not results:
        raise InputError("Expected at least one result, got none; measure something first.")
    first = results[0]
    for other in results[1:]:
        _check_same(first, other)
    groups: dict[_Set, dict[_Curve, dict[float, Row]]] = {}
    methods: dict[_Set, str] = {("", ""): RANDOM}
    unit = first.request.unit
    for number, result in enumerate(results):
        sets = {one.source: one for one in result.sets}
        for rows in directions_of(result):
            kind, name, layer = rows[0].kind, rows[0].name, rows[0].layer
            key = ("", "")
            if kind != "random":
                key = _set_of(rows[0], sets)
                methods[key] = sets[key[0]].method if key[0] in sets else "unknown"
            # Results that share their seed share their controls.
            whose = (result.request.seed if kind == "random" else number, name, layer)
            curve = groups.setdefault(key, {}).setdefault((whose, _norm(rows, unit)), {})
            curve |= {_scale(row, unit): row for row in rows}
    scales = tuple(sorted({_scale(row, unit) for result in results for row in result.rows}))
    names = [name for name, _ in groups]
    lines = []
    for (name, digest), curves in groups.items():
        called = f"{name} ({digest[:_DIGEST]})" if names.count(name) > 1 else name
        lines.append(_line(methods[name, digest], called, curves, scales, value_of(first.baseline)))
    lines.sort(key=lambda line: line.method == RANDOM)
    return SetTable(first.analysis, scales, unit, first.baseline, len(first.questions), tuple(lines))


def _set_of(row: Row, sets: Mapping[str, MeasuredSet]) -> _Set:
    source = row.source or "unknown"
    return source, sets[source].digest if source in sets else ""


def _line(
    method: str,
    called: str,
    curves: Mapping[_Curve, Mapping[float, Row]],
    scales: Sequence[float],
    baseline: float,
) -> SetLine:
    most = max(map(len, curves.values()))
    whole = {key: curve for key, curve in curves.items() if len(curve) == most}
    spans = {key: span(tuple(curve.values()), baseline) for key, curve in whole.items()}
    widest = max(spans, key=spans.__getitem__)
    best, tried = whole[widest], len({whose for whose, _ in whole})
    rows = tuple(best.get(scale) for scale in scales)
    return SetLine(method, called, next(iter(best.values())).name, tried, spans[widest], rows)


def span(rows: Sequence[Row], baseline: float) -> float:
    """The range of the values of a direction's rows, the baseline's included."""
    values = [baseline, *(value for value in map(value_of, rows) if math.isfinite(value))]
    return max(values) - min(values)


def _norm(rows: Sequence[Row], unit: str) -> str:
    """The norm of scale 1 in a unit, to six digits: one random direction may be measured at several. It is 0 with
    absolute scales, and with scale 0 alone.
    """
    norms = (row.scale / row.at(unit) for row in rows if unit != "a" and row.at(unit) != 0)
    return f"{next(norms, 0.0):.6g}"


def _scale(row: Row, unit: str) -> float:
    return round(row.at(unit), 9) if unit != "a" else row.scale


def _check_same(first: ScalesResult, other: ScalesResult) -> None:
    pairs: dict[str, tuple[object, object]] = {
        "kind": (type(first), type(other)),
        "model": (first.fingerprint, other.fingerprint),
    }
    if type(first) is type(other):
        theirs = other.request.alike
        pairs |= {what: (here, theirs[what]) for what, here in first.request.alike.items()}
    for what, (here, there) in pairs.items():
        if here != there:
            raise InputError(
                f"Expected results on the same {what}, got two; compare those that differ in vectors and scales only."
            )
