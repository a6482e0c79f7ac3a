"""A scale to begin with: the one at which a direction changes what the model says next by a set amount.

Directions differ widely in how far they must be pushed before anything happens. The amount is KL(steered ‖ baseline) of
the next token, mean over the prompts the set was found on; one nat is a clear change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.model.next_token import divergences, next_logits
from playground.model.prompting import Encoded
from playground.services.set_prompts import check_rows, prompts_of

BUDGET = 1.0  # nats
RELATIVE_SCALES = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Scales tried in turn, over the mean norm of the residual stream: the smallest that reaches the budget is wanted, and
KL may fall again beyond it."""
_CLOSE = 0.02  # relative distance from the budget that is close enough
_ROUNDS = 12  # more than the search between two scales ever took
_ROWS = 64  # pushes of one prompt at a time: each has its row of the vocabulary in float64
BLOCK = 64
"""Rows whose scales are found together, and are kept then: what a large set has when it is stopped."""


def suggested_scales(
    loaded: LoadedModel,
    vector_set: VectorSet,
    budget: float = BUDGET,
    rows: tuple[int, ...] | None = None,
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    keep: Callable[[Tensor, int], None] = lambda scales, done: None,
) -> Tensor:
    """(k, 2) float32: scales for every row of the set and for its negative; 0 where the budget is not reached.

    `rows` (None: all) leaves the other rows at what the set has, or at 0. A row of norm 0 has scale 0. `emit` gets the
    share done; `keep` the scales so far, and of how many of the rows, after each BLOCK of them. Raises InputError for a
    budget that is not above 0 and for rows that are not there, FileError for a set of another width, Cancelled after a
    cancel.
    """
    if not math.isfinite(budget) or budget <= 0:
        raise InputError(f"Expected a budget above 0 nats, got {budget}; 1 is usual.")
    wanted = check_rows(vector_set, rows)
    encoded = prompts_of(loaded, vector_set)
    known = vector_set.suggested_scales
    result = torch.zeros(vector_set.rows, 2) if known is None else known.clone()
    reader = _Reader(loaded, encoded, vector_set.origin.source, cancelled)
    for begin in range(0, len(wanted), BLOCK):
        block = wanted[begin : begin + BLOCK]

        def told(share: float, begin: int = begin, rows: int = len(block)) -> None:
            emit((begin + share * rows) / len(wanted))

        result[list(block)] = _of_block(reader, vector_set, block, budget, told)
        keep(result.clone(), begin + len(block))
    return result


def _of_block(
    reader: _Reader, vector_set: VectorSet, rows: tuple[int, ...], budget: float, emit: Callable[[float], None]
) -> Tensor:
    """(rows, 2): the scales of some rows."""
    result = torch.zeros(len(rows), 2)
    signed = [(n, sign) for n, row in enumerate(rows) for sign in (0, 1) if vector_set.vectors[row].any()]
    if signed:
        directions = torch.stack([vector_set.unit(rows[n]) * (1 - 2 * sign) for n, sign in signed])
        scales = _search(reader, directions, budget, vector_set.origin.residual_norm, emit)
        for place, scale in zip(signed, scales, strict=True):
            result[place] = scale
    return result


def with_suggestions(
    loaded: LoadedModel,
    vector_set: VectorSet,
    budget: float = BUDGET,
    rows: tuple[int, ...] | None = None,
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> VectorSet:
    """The set with suggested scales in it. Arguments and errors are those of `suggested_scales`."""
    return replace(vector_set, suggested_scales=suggested_scales(loaded, vector_set, budget, rows, emit, cancelled))


@dataclass
class _Bracket:
    """Where one direction reaches the budget: KL is below it at `low`, and above it at `high` (None: not yet found)."""

    low: float = 0.0
    low_kl: float = 0.0
    high: float | None = None
    high_kl: float = math.inf
    found: float | None = None

    def note(self, scale: float, kl: float, budget: float) -> None:
        if abs(kl - budget) <= _CLOSE * budget:
            self.found = scale
        elif kl < budget:
            self.low, self.low_kl = scale, kl
        else:
            self.high, self.high_kl = scale, kl

    def between(self, budget: float, halve: bool) -> float:
        """The next scale to try: on a straight line on a log scale, or, every other time, halfway."""
        assert self.high is not None
        if self.low == 0:  # KL grows as the square of a small push
            return self.high * max(math.sqrt(budget / self.high_kl), 0.1)
        if halve or self.low_kl <= 0:
            return math.sqrt(self.low * self.high)
        share = math.log(budget / self.low_kl) / math.log(self.high_kl / self.low_kl)
        return self.low * (self.high / self.low) ** min(max(share, 0.05), 0.95)


def _search(
    reader: _Reader, directions: Tensor, budget: float, residual_norm: float, emit: Callable[[float], None]
) -> list[float]:
    brackets = [_Bracket() for _ in directions]
    most = len(RELATIVE_SCALES) + 4  # rounds it takes, about

    def read(open_: list[int], scales: Sequence[float]) -> None:
        divergences = reader.divergences(directions[open_] * torch.tensor(scales)[:, None])
        for number, scale, divergence in zip(open_, scales, divergences, strict=True):
            brackets[number].note(scale, divergence, budget)

    for step, relative in enumerate(RELATIVE_SCALES):
        open_ = [i for i, bracket in enumerate(brackets) if bracket.high is None and bracket.found is None]
        if open_:
            read(open_, [relative * residual_norm] * len(open_))
        emit((step + 1) / most)
    for step in range(_ROUNDS):
        open_ = [i for i, bracket in enumerate(brackets) if bracket.high is not None and bracket.found is None]
        if not open_:
            break
        read(open_, [brackets[i].between(budget, halve=step % 3 == 2) for i in open_])
        emit(min((len(RELATIVE_SCALES) + step + 1) / most, 0.99))
    emit(1.0)
    return [bracket.found if bracket.found is not None else bracket.high or 0.0 for bracket in brackets]


class _Reader:
    """KL of the next token under pushes at `layer`, mean over prompts."""

    def __init__(self, loaded: LoadedModel, prompts: Encoded, layer: int, cancelled: Callable[[], bool]) -> None:
        self._loaded = loaded
        self._prompts = prompts
        self._layer = layer
        self._cancelled = cancelled
        self._baseline = next_logits(loaded, prompts, [()] * len(prompts))

    def divergences(self, vectors: Tensor) -> list[float]:
        """KL(steered ‖ baseline) in nats for every row of `vectors` (k, d), scale included."""
        totals = torch.zeros(len(vectors), dtype=torch.float64)
        for prompt in range(len(self._prompts)):
            for begin in range(0, len(vectors), _ROWS):
                if self._cancelled():
                    raise Cancelled
                pushes = [(Push(self._layer, vector),) for vector in vectors[begin : begin + _ROWS]]
                logits = next_logits(self._loaded, self._prompts.take([prompt] * len(pushes)), pushes)
                totals[begin : begin + _ROWS] += divergences(logits, self._baseline[prompt])
        return (totals / len(self._prompts)).tolist()
