"""Statistics with intervals: rank correlation (bootstrap from a seed), proportions; ranks and medians."""

from __future__ import annotations

import random
from collections.abc import Sequence

from playground.analyses.common.over_texts import wilson

DRAWS = 1000


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            found[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation (Spearman, 1904), Pearson's of the ranks; None when one side is constant or too short."""
    if len(first) < 3:
        return None
    x, y = ranks(first), ranks(second)
    mean = (len(x) + 1) / 2
    across = sum((a - mean) * (b - mean) for a, b in zip(x, y, strict=True))
    spread = sum((a - mean) ** 2 for a in x) * sum((b - mean) ** 2 for b in y)
    return across / spread**0.5 if spread > 0 else None


def correlation(first: Sequence[float], second: Sequence[float], seed: int) -> dict[str, float | int | None]:
    """Spearman's ρ with the 95 % percentile bootstrap over pairs; None where it is undefined."""
    value, generator, n = spearman(first, second), random.Random(seed), len(first)
    drawn = []
    for _ in range(DRAWS if value is not None else 0):
        places = [generator.randrange(n) for _ in range(n)]
        one = spearman([first[place] for place in places], [second[place] for place in places])
        if one is not None:
            drawn.append(one)
    drawn.sort()
    if value is None or not drawn:
        return {"value": value, "low": None, "high": None, "n": n}
    low, high = drawn[int(0.025 * (len(drawn) - 1))], drawn[round(0.975 * (len(drawn) - 1))]
    return {"value": value, "low": low, "high": high, "n": n}


def proportion(hits: int, total: int) -> dict[str, float | int | None]:
    """A share with Wilson's 95 % interval; None for a total of 0."""
    if total == 0:
        return {"hits": 0, "total": 0, "share": None, "low": None, "high": None}
    low, high = wilson(hits / total, total)
    return {"hits": hits, "total": total, "share": hits / total, "low": low, "high": high}


def median(values: Sequence[float]) -> float | None:
    """The median; None for no values."""
    ordered, half = sorted(values), len(values) // 2
    if not ordered:
        return None
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
