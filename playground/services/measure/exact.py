"""How often the model gives the right number, over scales: questions with an exact answer, judged by generating.

A text answers with the last number in it (playground/library/exact_answer.py), so that an answer worked out in steps
counts as one given at once. A text without a number is wrong, and counted beside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from playground.core.push import Positions, Push
from playground.errors import Cancelled, InputError
from playground.library.exact_answer import last_number
from playground.library.prompt_set import ExactItem, PromptSet
from playground.model.generate import Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode
from playground.services.generate import check_positions
from playground.services.measure.directions import Direction, directions
from playground.services.measure.request import MAX_VECTORS, MeasuredVector, check_vectors
from playground.services.measure.result import Kind
from playground.services.mix import LoadSet
from playground.services.requests import check_seed, check_whole, checked_scales

MAX_TEXTS = 100_000
"""Generated texts at most: hours of work for any machine."""
BATCH = 128
"""Texts generated at a time: enough to fill a machine, few enough that Stop and the plot do not wait long."""
_Z = 1.959964
"""Normal quantile of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class ExactRequest:
    """Vectors × scales on one set of questions with exact answers, with the baseline and `controls` random directions
    always beside them.

    `questions` is the set in full, of the kind exact; the first `max_items` of its items are asked (None: all). Scales,
    controls, seed, format and positions mean what they mean in MeasureRequest. Raises InputError when a value is wrong
    whatever the model.
    """

    questions: PromptSet
    vectors: tuple[MeasuredVector, ...]
    scales: tuple[float, ...]
    relative: bool = False
    controls: int = 2
    seed: int = 0
    format: PromptFormat = field(default_factory=PromptFormat)
    positions: Positions = "all"
    max_items: int | None = None
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if self.questions.kind != "exact":
            raise InputError(
                f"Expected a set of the kind exact, got “{self.questions.name}” of the kind {self.questions.kind}; "
                "choose one whose items are questions with a number for an answer."
            )
        object.__setattr__(self, "vectors", check_vectors(self.vectors))
        object.__setattr__(self, "scales", checked_scales(self.scales))
        # Never none: without a control a change cannot be told from what any push of that norm does.
        check_whole("number of random controls", self.controls, least=1, most=MAX_VECTORS)
        check_seed(self.seed)
        check_positions(self.positions)
        if self.max_items is not None:
            check_whole("number of items", self.max_items, least=1)
        if self.texts > MAX_TEXTS:
            raise InputError(
                f"Expected at most {MAX_TEXTS} texts, got {self.texts} (items × (vectors + controls) × scales); "
                "ask for fewer vectors, scales or items."
            )

    @property
    def items(self) -> tuple[ExactItem, ...]:
        """The items that are asked."""
        return self.questions.items[: self.max_items]

    @property
    def texts(self) -> int:
        """How many texts are generated, if all vectors are at one layer."""
        steered = sum(scale != 0 for scale in self.scales)
        return len(self.items) * (1 + (len(self.vectors) + self.controls) * steered)


@dataclass(frozen=True)
class ExactRow:
    """One direction at one scale, over all items: what was said, and whether it is right. Names are MeasuredRow's.

    `share` is the accuracy, the part of the items that are right; `low` and `high` bound its 95 % interval (Wilson).
    `silent` is the part of the texts without any number.
    """

    kind: Kind
    vector: str
    source: str | None
    layer: int | None
    scale: float
    relative: float
    texts: tuple[str, ...]
    right: tuple[bool, ...]
    share: float
    low: float
    high: float
    silent: float

    @property
    def name(self) -> str:
        """What tells the curve it belongs to from others: `set#3`; `random-0`; `baseline`."""
        return self.vector if self.source is None else f"{self.source}#{self.vector}"


@dataclass(frozen=True)
class ExactResult:
    """`rows` are those that were finished: vectors in the order of the request, then random directions, each with its
    scales in rising order; a row at scale 0 repeats the baseline. `cancelled`: it was stopped, and rows are missing.
    """

    request: ExactRequest
    model: str
    baseline: ExactRow
    rows: tuple[ExactRow, ...]
    warnings: tuple[str, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0


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

    def result(stopped: bool = False) -> ExactResult:
        rows = _in_order(request, found, finished)
        return ExactResult(request, loaded.name, finished[0], rows, warnings, stopped, time.perf_counter() - begun)

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
        done = generate(loaded, prompts, pushes, request.positions, request.sampling, cancelled=cancelled)
        if done.cancelled or cancelled():
            return
        yield list(done.texts)


def _row(request: ExactRequest, place: tuple[Direction, float] | None, texts: Sequence[str]) -> ExactRow:
    said = [last_number(text) for text in texts]
    right = tuple(number == item.number for number, item in zip(said, request.items, strict=True))
    share = sum(right) / len(right)
    low, high = wilson(sum(right), len(right))
    silent = sum(number is None for number in said) / len(said)
    judged = (tuple(texts), right, share, low, high, silent)
    if place is None:
        return ExactRow("baseline", "baseline", None, None, 0.0, 0.0, *judged)
    direction, scale = place
    norm = direction.norm(scale, request.relative)
    return ExactRow(
        direction.kind, direction.vector, direction.source, direction.layer, norm, norm / direction.reference, *judged
    )


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
                rows.append(
                    replace(
                        finished[0],
                        kind=direction.kind,
                        vector=direction.vector,
                        source=direction.source,
                        layer=direction.layer,
                    )
                )
    return tuple(rows)


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson, 1927), which unlike a bootstrap is not empty where all are right."""
    share, weight = right / total, _Z * _Z / total
    middle = (share + weight / 2) / (1 + weight)
    reach = _Z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)
