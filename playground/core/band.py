"""Bands of singular values, and search of the unit sphere of a span for the direction of the largest objective.

Where neighbouring singular values are nearly equal, J determines the span of their vectors and not the vectors: any
orthonormal basis of it would do. What one wants of a band may lie between its rows.

The search knows the objective by its values alone. It tries candidates, then random directions, then goes on around a
mean that moves: an evolution strategy with weighted recombination of the better half and a step that shrinks (weights
and number of offspring as in CMA-ES: Hansen, 2016). As many random directions are tried beside it, batch by batch, so
that the best of them had the same chances whenever the search ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.errors import InputError

CLUSTER_GAP = 0.05
"""Neighbours closer than this (relative to the larger) span a subspace: the vectors in it are no axes of their own."""

EXPLORE = 0.2
"""Part of the budget, candidates aside, that goes into random directions. With 0.3 quadratic and linear functions come
no closer to their maximum, and functions of several maxima are no more often caught in a lesser one."""
BATCH = 24
"""Random directions that are evaluated together."""
FIRST_STEP, LAST_STEP = 0.5, 0.02
"""Length of a step from the mean along the sphere: 27° at first; at the end about 1°."""
SHRINK = 0.8
"""Factor of the step from one generation to the next, and more where the budget allows for slower shrinking."""

Objective = Callable[[Tensor], Tensor]
"""Coordinates (n, m) of unit directions in an orthonormal basis of the span → (n,), larger is better; NaN where there
is no value."""


def bands(singular_values: Tensor, width: float = CLUSTER_GAP) -> tuple[tuple[int, int], ...]:
    """Rows [a, b) of every band of `singular_values` (k,): each of its neighbours differ by at most `width`, relative
    to the larger. Every row is in one band; a row that stands apart is a band by itself.
    """
    values, ranges, begin = singular_values.tolist(), [], 0
    for row in range(1, len(values) + 1):
        if row == len(values) or min(values[row - 1 : row + 1]) < (1 - width) * max(values[row - 1 : row + 1]):
            ranges.append((begin, row))
            begin = row
    return tuple(ranges)


@dataclass(frozen=True)
class SearchSettings:
    """`budget`: evaluations of the objective by the search, candidates counted; as many random directions are tried
    beside it. `seed` draws both. Raises InputError for a budget below 1.
    """

    budget: int = 192
    seed: int = 0

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise InputError(f"Expected a budget of at least one evaluation, got {self.budget}; allow 1 or more.")


@dataclass(frozen=True)
class SearchStep:
    """State after a batch. `evaluations` of the search so far, and as many of random directions. `best` (m,) and
    `best_random` (m,) are unit coordinates, float64; their values are −inf while none was finite.
    """

    evaluations: int
    best: Tensor
    value: float
    best_random: Tensor
    random_value: float


def search(objective: Objective, candidates: Tensor, settings: SearchSettings) -> Iterator[SearchStep]:
    """Maximise over unit coordinates (m,): a step after each batch, until the budget is spent.

    `candidates` (c, m) unit rows are tried first, as many of them as the budget allows: what is found is never worse
    than the best of them. In each call of the objective the first half are directions of the search, the second half
    random ones. What the objective raises passes through; the last step then holds what there was. Raises InputError
    for candidates that are no rows of norm 1.
    """
    rows = candidates.detach().to("cpu", torch.float64)
    if rows.ndim != 2 or not len(rows) or not bool((rows.norm(dim=1) - 1).abs().max() < 1e-3):
        raise InputError(f"Expected candidates (c, m) of norm 1, got {tuple(rows.shape)}; normalise them.")
    width, budget = rows.shape[1], settings.budget
    generator = torch.Generator().manual_seed(settings.seed)
    best, random = (rows[0], -math.inf), (rows[0], -math.inf)
    done = 0

    def gaussian(count: int) -> Tensor:
        return torch.randn(count, width, generator=generator, dtype=torch.float64)

    def tried(own: Tensor) -> tuple[Tensor, SearchStep]:
        """Values (n,) of directions of the search, and the state after them."""
        nonlocal best, random, done
        drawn = _unit(gaussian(len(own)))
        values = objective(torch.cat([own, drawn])).detach().to("cpu", torch.float64)
        values = values.where(values.isfinite(), -math.inf)
        best, random = _better(best, own, values[: len(own)]), _better(random, drawn, values[len(own) :])
        done += len(own)
        return values[: len(own)], SearchStep(done, *best, *random)

    for part in rows[:budget].split(BATCH):
        yield tried(part)[1]
    explored = done + math.ceil(EXPLORE * (budget - done))
    while done < explored:
        yield tried(_unit(gaussian(min(BATCH, explored - done))))[1]
    offspring = 4 + int(3 * math.log(width))
    weights = _weights(offspring)
    generations = max(1, (budget - done) // offspring)
    shrink = max(SHRINK, (LAST_STEP / FIRST_STEP) ** (1 / generations))
    mean, length = best[0], FIRST_STEP
    while done < budget:
        steps = gaussian(min(offspring, budget - done))
        steps = (steps - (steps @ mean)[:, None] * mean) / math.sqrt(max(width - 1, 1))
        own = _unit(mean + length * steps)
        values, step = tried(own)
        yield step
        leaders = values.argsort(descending=True)[: len(weights)]
        counted = weights[: len(leaders)] * values[leaders].isfinite()
        if bool(counted.any()):
            mean = _unit(counted @ own[leaders])
        length *= shrink


def _better(known: tuple[Tensor, float], rows: Tensor, values: Tensor) -> tuple[Tensor, float]:
    """The best of the known direction and of `rows` (n, m), and its value."""
    place = int(values.argmax())
    return (rows[place], float(values[place])) if float(values[place]) > known[1] else known


def _weights(offspring: int) -> Tensor:
    """Weights of the better half of a generation, the best first; their sum is 1."""
    half = offspring // 2
    weights = math.log((offspring + 1) / 2) - torch.arange(1, half + 1, dtype=torch.float64).log()
    return weights / weights.sum()


def _unit(rows: Tensor) -> Tensor:
    unit: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return unit
