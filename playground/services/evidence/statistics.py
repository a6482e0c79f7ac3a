"""Statistics with intervals: rank correlation (bootstrap from a seed), proportions; medians."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from scipy.stats import rankdata

from playground.analyses.common.over_texts import wilson

DRAWS = 1000


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation (Spearman, 1904); None when one side is constant or too short."""
    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    return statistics.correlation(rankdata(first).tolist(), rankdata(second).tolist())


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
    return statistics.median(values) if values else None
