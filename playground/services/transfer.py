"""Transfer of vectors between choice sets: one push a vector on all of them, replies beside log-odds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasureResult
from playground.analyses.choices.run import measure
from playground.analyses.choices.transfer import Polarity, TransferMatrix, check_names, transfer_matrix
from playground.analyses.common.request import MULTIPLES, MeasuredVector
from playground.analyses.common.result import SCALE_NAMES, Lines
from playground.analyses.replies.run import RepliesRequest, RepliesRow, replies
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, InputError
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.limits import check_count, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.generation.sampling import Sampling
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services import recent

ITEMS, REPLIES, TOKENS = 32, 8, 32
"""Items of a set that are measured, usually; those whose replies are generated; and how long a reply is."""
_REPLY_COST = 4
"""A generated reply counts in the progress as so many measured items."""


@dataclass(frozen=True)
class TransferSet:
    """A choice set and its polarity: 1 where the answer that shows the behaviour is the wanted one, −1 where it is the
    other.
    """

    choices: PromptSet
    polarity: Polarity = 1

    def __post_init__(self) -> None:
        if self.polarity not in (1, -1):
            raise InputError(f"Expected a polarity of 1 or -1 for {self.choices.name}, got {self.polarity!r}.")


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """Request of a transfer matrix: `vectors` × `scales` (in `unit`) on every one of `sets`, each in its own format.

    `items` of every set are asked (None: all), with `balance` as many for one answer letter as for the other. `home` is
    the name of the set on which all pushes are chosen; None: for each vector the set where it gains most. `replies`
    items of every set are answered in text (0: none) of `tokens` tokens. Raises InputError for values out of range and
    fewer than two sets.
    """

    sets: tuple[TransferSet, ...]
    vectors: tuple[MeasuredVector, ...]
    scales: tuple[float, ...] = MULTIPLES
    unit: str = "f"
    controls: int = 4
    items: int | None = ITEMS
    balance: bool = False
    home: str | None = None
    replies: int = REPLIES
    tokens: int = TOKENS
    seed: int = 0

    def __post_init__(self) -> None:
        names = [each.choices.name for each in self.sets]
        check_count("choice sets", len(names), limits().transfer_sets, "name others, or leave some out", least=2)
        check_names(names, self.home)
        if all(scale == 0 for scale in self.scales):
            raise InputError("Expected a scale other than 0, got none; add one, such as -1 and 1.")
        if self.items is not None:
            check_whole("number of items", self.items, least=1, most=limits().items)
        _ = [self.measured(each.choices) for each in self.sets]  # refuses what cannot be measured
        if self.replies != 0:
            check_whole("number of replies", self.replies, least=1, most=limits().items)
            _ = [self.replied(each.choices, self.vectors, self.scales[0]) for each in self.sets]

    def measured(self, choices: PromptSet) -> MeasureRequest:
        """The request of the measurement of a set."""
        return MeasureRequest(
            choices=choices, vectors=self.vectors, scales=self.scales, unit=self.unit, controls=self.controls,
            **self._common(choices, self.items),
        )  # fmt: skip

    def replied(self, choices: PromptSet, vectors: Sequence[MeasuredVector], place: float) -> RepliesRequest:
        """The request of the replies to a set with the pushes of vectors at one scale, and of one random direction."""
        return RepliesRequest(
            prompts=choices, vectors=tuple(vectors), scales=(place,), unit=self.unit, controls=1,
            sampling=Sampling(max_new_tokens=self.tokens), **self._common(choices, self.replies),
        )  # fmt: skip

    def _common(self, choices: PromptSet, count: int | None) -> dict[str, Any]:
        return {
            "max_items": None if count is None or count >= len(choices.items) else count,
            "balance": self.balance, "seed": self.seed, "format": PromptFormat.of_set(choices),
        }  # fmt: skip


@dataclass(frozen=True)
class ReplyCell:
    """Replies to items of a set with a vector's push: the shares that give the wanted answer, with and without it, and
    with a random direction of equal norm; the share that is unclear; the first reply with the push.
    """

    share: float
    baseline: float
    random: float
    unclear: float
    text: str


@dataclass(frozen=True)
class TransferResult:
    """`replies` are those of the matrix, [row][column]; None where none were asked for or a stop came before them."""

    request: TransferRequest
    model: str
    fingerprint: str
    matrix: TransferMatrix
    measured: tuple[MeasureResult, ...]
    replies: tuple[tuple[ReplyCell | None, ...], ...]
    seconds: float
    cancelled: bool

    @property
    def agreeing(self) -> tuple[int, int]:
        """Of the cells with replies that hold by log-odds: in how many the share of replies that give the wanted answer
        rises, too; and how many there are.
        """
        holding = [
            reply
            for row, replied in zip(self.matrix.rows, self.replies, strict=True)
            for cell, reply in zip(row.cells, replied, strict=True)
            if reply is not None and cell.holds
        ]
        return sum(reply.share > reply.baseline for reply in holding), len(holding)

    def to_dict(self) -> dict[str, Any]:
        """The matrix as JSON values."""
        vectors = [
            {
                "vector": row.vector, "place": row.place, "scale": row.scale, "relative": row.relative,
                "home": self.matrix.columns[row.home].choices,
                "cells": [
                    vars(cell) | {"holds": cell.holds, "replies": None if reply is None else vars(reply)}
                    for cell, reply in zip(row.cells, replied, strict=True)
                ],
            }
            for row, replied in zip(self.matrix.rows, self.replies, strict=True)
        ]  # fmt: skip
        return {
            "kind": "transfer", "model": self.model, "fingerprint": self.fingerprint, "seconds": self.seconds,
            "cancelled": self.cancelled, "unit": self.request.unit, "scales": list(self.request.scales),
            "sets": [vars(column) for column in self.matrix.columns], "vectors": vectors,
        }  # fmt: skip

    def lines(self) -> Lines:
        """Names and lines of a table, one line a cell."""
        return (
            "vector", "home", "choices", "polarity", SCALE_NAMES[self.request.unit], "norm", "change", "low", "high",
            "share", "baseline_share", "random", "order", "spread", "flags", "replies", "replies_baseline",
            "replies_random", "replies_unclear", "reply",
        ), self._lines()  # fmt: skip

    def _lines(self) -> Iterator[Sequence[object]]:
        for row, replied in zip(self.matrix.rows, self.replies, strict=True):
            for column, cell, reply in zip(self.matrix.columns, row.cells, replied, strict=True):
                yield (
                    row.vector, self.matrix.columns[row.home].choices, column.choices, column.polarity, row.place,
                    row.scale, cell.change, cell.low, cell.high, cell.share, column.share, cell.random, cell.order,
                    cell.spread, "; ".join(cell.flags), *(("",) * 5 if reply is None else vars(reply).values()),
                )  # fmt: skip


@dataclass(frozen=True)
class TransferProgress:
    """`share` of the work that is done, 0 to 1, and what is being done. `seconds_to_go` is None until there is a pace;
    `longer`: it is more than before.
    """

    share: float
    doing: str
    seconds_to_go: float | None
    longer: bool


@within_memory
@interrupts_passes
def transfer(
    loaded: LoadedModel,
    request: TransferRequest,
    load_set: LoadSet,
    emit: Callable[[TransferProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TransferResult:
    """Measure every set, choose a push for every vector, and have it answer items of all sets in text.

    A cancel raises Cancelled before two sets are measured; after that the matrix of those that are is returned, with
    the replies that are complete.
    """
    recent.ran(request)
    begun, progress = time.perf_counter(), _Progress(request, emit)
    measured: list[MeasureResult] = []
    for each in request.sets:
        asked = request.measured(each.choices)
        tell = progress.part(f"measuring {each.choices.name}", _measured_work(asked))
        one = measure(loaded, asked, load_set, _share_to(tell), cancelled)
        if one.cancelled:
            break
        measured.append(one)
    if len(measured) < 2:
        raise Cancelled
    sets = request.sets[: len(measured)]
    home = request.home if request.home in [each.choices.name for each in sets] else None
    matrix = transfer_matrix(measured, [each.polarity for each in sets], home)
    found: list[list[ReplyCell | None]] = [[None] * len(sets) for _ in matrix.rows]
    if request.replies and len(sets) == len(request.sets):
        with suppress(Cancelled):
            _reply(loaded, request, load_set, matrix, found, progress, cancelled)
    complete = len(sets) == len(request.sets) and (not request.replies or all(all(row) for row in found))
    return TransferResult(
        request, loaded.name, loaded.fingerprint, matrix, tuple(measured), tuple(map(tuple, found)),
        time.perf_counter() - begun, not complete,
    )  # fmt: skip


def _reply(
    loaded: LoadedModel,
    request: TransferRequest,
    load_set: LoadSet,
    matrix: TransferMatrix,
    found: list[list[ReplyCell | None]],
    progress: _Progress,
    cancelled: Callable[[], bool],
) -> None:
    """Fill in `found`, set after set; vectors with one scale go together. Raises Cancelled."""
    vectors = {str(vector): vector for vector in request.vectors}
    together: dict[float, list[int]] = {}
    for number, row in enumerate(matrix.rows):
        together.setdefault(row.place, []).append(number)
    for column, each in enumerate(request.sets):
        for place, numbers in together.items():
            asked = request.replied(each.choices, [vectors[matrix.rows[number].vector] for number in numbers], place)
            tell = progress.part(f"replies to {each.choices.name}", len(numbers) * len(asked.items) * _REPLY_COST)
            result = replies(loaded, asked, load_set, _share_to(tell), cancelled)
            if result.cancelled:
                raise Cancelled
            rows = {row.name: row for row in result.rows if row.kind == "vector"}
            random = next(row for row in result.rows if row.kind == "random")
            for number in numbers:
                one = rows[matrix.rows[number].vector]
                share, baseline, drawn = (_wanted(row, each.polarity) for row in (one, result.baseline, random))
                found[number][column] = ReplyCell(share, baseline, drawn, one.shares[2].share, one.texts[0])


def _wanted(row: RepliesRow, polarity: Polarity) -> float:
    """The share of the wanted answer; groups are matching, other and unclear."""
    return row.shares[0 if polarity == 1 else 1].share


def _measured_work(asked: MeasureRequest) -> int:
    return len(asked.items) * asked.pushes


def _share_to(tell: Callable[[float], None]) -> Callable[[Any], None]:
    return lambda event: tell(event.share)


class _Progress:
    """One progress over parts whose work is told as they begin, and is known together."""

    def __init__(self, request: TransferRequest, emit: Callable[[TransferProgress], None]) -> None:
        self._total = float(sum(_measured_work(request.measured(each.choices)) for each in request.sets))
        items = sum(min(request.replies, len(each.choices.items)) for each in request.sets)
        self._total += len(request.vectors) * items * _REPLY_COST
        self._emit, self._left, self._done = emit, TimeToGo(), 0.0

    def part(self, doing: str, work: int) -> Callable[[float], None]:
        """Begins a part; what is returned is told the share of it that is done."""
        before = self._done
        self._done += work

        def tell(share: float) -> None:
            whole = min(1.0, (before + share * work) / self._total)
            left = self._left.at(whole)
            self._emit(TransferProgress(whole, doing, left.seconds, left.longer))

        return tell
