"""How often the model gives the right number, over scales: questions with an exact answer, judged by generating.

A text answers with the last number in it (playground/library/exact_answer.py), so that an answer worked out in steps
counts as one given at once. A text without a number is wrong, and counted beside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.exact_answer import last_number
from playground.library.prompt_set import PromptSet
from playground.model.generate import Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import encode
from playground.services.measure.directions import Direction, directions
from playground.services.measure.request import OverScales
from playground.services.measure.result import BASELINE, Measurement, Row, measured_on
from playground.services.mix import LoadSet

MAX_TEXTS = 100_000
"""Generated texts at most: hours of work for any machine."""
BATCH = 128
"""Texts generated at a time: enough to fill a machine, few enough that Stop and the plot do not wait long."""
_Z = 1.959964
"""Normal quantile of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class ExactRequest(OverScales):
    """What vectors do to answers that are right or wrong. `questions` is the set in full, of the kind exact.

    `sampling` says how replies are generated; where they are drawn, they are drawn from `seed`, which takes the place
    of the seed in it.
    """

    KIND, ITEMS = "exact", "questions with a number for an answer"

    questions: PromptSet
    controls: int = 2
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sampling", replace(self.sampling, seed=self.seed))
        if self.texts > MAX_TEXTS:
            raise InputError(
                f"Expected at most {MAX_TEXTS} texts, got {self.texts} (items × (vectors + controls) × scales); "
                "ask for fewer vectors, scales or items."
            )

    @property
    def asked(self) -> PromptSet:
        return self.questions

    @property
    def texts(self) -> int:
        """How many texts are generated, if all vectors are at one layer."""
        steered = sum(scale != 0 for scale in self.scales)
        return len(self.items) * (1 + (len(self.vectors) + self.controls) * steered)


@dataclass(frozen=True)
class ExactRow(Row):
    """One direction at one scale, over all items: what was said, and whether it is right.

    `share` is the accuracy, the part of the items that are right; `low` and `high` bound its 95 % interval (Wilson).
    `silent` is the part of the texts without any number.
    """

    texts: tuple[str, ...]
    right: tuple[bool, ...]
    share: float
    low: float
    high: float
    silent: float


@dataclass(frozen=True)
class ExactResult(Measurement):
    """`rows` are those that were finished: vectors in the order of the request, then random directions, each with its
    scales in rising order; a row at scale 0 repeats the baseline.
    """

    request: ExactRequest
    baseline: ExactRow
    rows: tuple[ExactRow, ...]


@dataclass(frozen=True)
class ExactProgress:
    """After `done` of `total` texts; `result` holds the rows that are finished, None until the baseline is."""

    done: int
    total: int
    seconds: float
    result: ExactResult | None = None

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total

    @property
    def seconds_to_go(self) -> float | None:
        """At the pace so far, None before there is one."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


def exact(
    loaded: LoadedModel,
    request: ExactRequest,
    load_set: LoadSet,
    emit: Callable[[ExactProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ExactResult:
    """Ask every question without steering, and with every vector and control at every scale; judge what is said.

    A cancel returns the rows that are finished. Raises InputError for questions that are empty or too long and for
    rows that a set does not have, FileError for sets that are missing or were made for another width, Cancelled when it
    is stopped before the baseline is finished.
    """
    begun = time.perf_counter()
    found, warnings = directions(loaded, request.vectors, request.controls, request.seed, load_set, request.relative)
    steered = [(direction, scale) for direction in found for scale in request.scales if scale != 0]
    asked = [(), *(direction.pushes(scale, request.relative) for direction, scale in steered)]
    total, finished = len(asked) * len(request.items), []
    about = measured_on(loaded, request.sources, load_set)

    def result(stopped: bool = False) -> ExactResult:
        rows = _in_order(request, found, finished)
        seconds = time.perf_counter() - begun
        return ExactResult(
            request, finished[0], rows, warnings=warnings, cancelled=stopped, seconds=seconds, **about
        )

    emit(ExactProgress(0, total, 0.0))
    texts: list[str] = []
    for batch in _texts(loaded, request, asked, cancelled):
        texts += batch
        while len(texts) >= len(request.items) * (len(finished) + 1):
            number = len(finished)
            own = texts[number * len(request.items) : (number + 1) * len(request.items)]
            finished.append(_row(request, steered[number - 1] if number else None, own))
        emit(ExactProgress(len(texts), total, time.perf_counter() - begun, result() if finished else None))
    if not finished:
        raise Cancelled
    return result(stopped=len(finished) < len(asked))


def _texts(
    loaded: LoadedModel, request: ExactRequest, asked: Sequence[tuple[Push, ...]], cancelled: Callable[[], bool]
) -> Iterator[list[str]]:
    """The texts of every item for each of `asked` in turn, a batch at a time; fewer after a cancel."""
    questions = [item.question for item in request.items]
    encoded = encode(loaded, questions, request.format, room=request.sampling.max_new_tokens)
    plan = [(item, pushes) for pushes in asked for item in range(len(questions))]
    for start in range(0, len(plan), BATCH):
        part = plan[start : start + BATCH]
        prompts, pushes = encoded.take([item for item, _ in part]), [pushes for _, pushes in part]
        # Every text is the first sample of its question, whatever else is in its batch.
        first = [0] * len(part)
        done = generate(
            loaded, prompts, pushes, request.positions, request.sampling, cancelled=cancelled, samples=first
        )
        if done.cancelled or cancelled():
            return
        yield list(done.texts)


def _row(request: ExactRequest, place: tuple[Direction, float] | None, texts: Sequence[str]) -> ExactRow:
    said = [last_number(text) for text in texts]
    right = tuple(number == item.number for number, item in zip(said, request.items, strict=True))
    share = sum(right) / len(right)
    low, high = wilson(sum(right), len(right))
    silent = sum(number is None for number in said) / len(said)
    where = BASELINE if place is None else place[0].place(place[1], request.relative)
    return ExactRow(**where, texts=tuple(texts), right=right, share=share, low=low, high=high, silent=silent)


def _in_order(request: ExactRequest, found: Sequence[Direction], finished: Sequence[ExactRow]) -> tuple[ExactRow, ...]:
    """The finished rows, with the baseline in the place of each direction at scale 0."""
    rows, rest = [], iter(finished[1:])
    for direction in found:
        for scale in request.scales:
            if scale != 0:
                row = next(rest, None)
                if row is None:
                    return tuple(rows)
                rows.append(row)
            else:
                rows.append(replace(finished[0], **direction.place(scale, request.relative)))
    return tuple(rows)


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson, 1927), which unlike a bootstrap is not empty where all are right."""
    share, weight = right / total, _Z * _Z / total
    middle = (share + weight / 2) / (1 + weight)
    reach = _Z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)
