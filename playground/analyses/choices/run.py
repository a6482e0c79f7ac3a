"""Choice measurement: log-odds of every direction at every scale, emitted vector by vector."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import torch

from playground.analyses.choices.items import ScoredItems, score_items
from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredRow, MeasureProgress, MeasureResult
from playground.analyses.choices.summary import Balance
from playground.analyses.common.directions import Direction, directions
from playground.analyses.common.result import BASELINE, Place, measured_on
from playground.core.push import Push
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled
from playground.library.mix import LoadSet
from playground.model.finite import check_finite, overflow
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.reading.answer_logits import AnswerReader, Reading
from playground.model.reading.question_trees import Question

_QUIET_SECONDS = 0.2  # between two events without new rows


def measure(
    loaded: LoadedModel,
    request: MeasureRequest,
    load_set: LoadSet,
    emit: Callable[[MeasureProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MeasureResult:
    """Measure every vector and control of the request at every scale, and the baseline beside them.

    Rows of a vector are emitted when its scales are done. After a cancel the result holds the rows that are complete.
    Raises InputError for rows that a set does not have and for choices of which no item can be scored, FileError for
    sets that are missing or were made for another width, ModelError when memory runs out or the model's own numbers are
    not finite, and Cancelled after a cancel before the baseline.
    """
    begun = time.perf_counter()
    found, warnings = directions(loaded, request.vectors, request.controls, request.seed, load_set, request.unit)
    scored = score_items(loaded, request, cancelled)
    reader = AnswerReader(loaded, scored.questions, request.positions, source=found[0].layer)
    first = _encoded(scored.questions[0])
    check_finite(reader.baseline.divergences, loaded, first)
    rows = _Rows(request, scored, reader)
    start = MeasureResult(
        request=request,
        items=scored.items,
        skipped=scored.skipped,
        letters=scored.letters,
        by=scored.by,
        baseline=rows.baseline,
        rows=(),
        warnings=(*warnings, *_warnings(request, scored)),
        **measured_on(loaded, request.sources, load_set),
    )
    progress = _ProgressReporter(
        emit, start, found, begun, lambda pushes: overflow(loaded, first, pushes, request.positions)
    )
    with suppress(Cancelled):
        for turn in _turns(found):
            _measure_turn(reader, turn, rows, progress, cancelled)
    return progress.result(cancelled=progress.done < progress.total)


def _encoded(question: Question) -> Encoded:
    """The tokens of a question up to where its answers differ, as a batch of one."""
    tokens = torch.tensor([question.prompt + question.shared])
    return Encoded(tokens, torch.ones_like(tokens), (tokens.shape[1],))


def _turns(found: Sequence[Direction]) -> list[list[Direction]]:
    """The directions in the order of measurement, one list per layer, which shares the blocks below it.

    A control comes first, so that a cancelled measurement has one to be compared with; the others last.
    """
    turns = []
    for layer in dict.fromkeys(direction.layer for direction in found):
        here = [direction for direction in found if direction.layer == layer]
        controls = [direction for direction in here if direction.kind == "random"]
        turns.append([controls[0], *(direction for direction in here if direction.kind == "vector"), *controls[1:]])
    return turns


def _measure_turn(
    reader: AnswerReader,
    turn: Sequence[Direction],
    rows: _Rows,
    progress: _ProgressReporter,
    cancelled: Callable[[], bool],
) -> None:
    """Measure directions at one layer, until a cancel."""
    scales = rows.request.scales
    before, total = progress.done, len(turn) * len(scales)
    pushes = [direction.pushes(scale) for direction in turn for scale in scales if scale != 0]
    readings = reader.read(pushes, lambda share: progress.part(before + share * total), cancelled)
    for direction in turn:
        finished = []
        for scale in scales:
            reading = reader.baseline if scale == 0 else next(readings, None)
            if reading is None:
                break
            finished.append(rows.row(direction, scale, reading))
        progress.rows(direction, finished)
        if len(finished) < len(scales):
            return


def _warnings(request: MeasureRequest, scored: ScoredItems) -> tuple[str, ...]:
    warnings = []
    if len(scored.letters) == 1:
        warnings.append(
            f"All items have {scored.letters[0][0]} as the answer that shows the behaviour: a preference for that "
            "letter cannot be told from it."
        )
    if scored.unreached:
        warnings.append(
            f"{scored.unreached} of {len(scored.items)} items are read before anything is generated, so steering "
            f"{request.positions} tokens does not reach them."
        )
    return tuple(warnings)


@dataclass
class _Rows:
    """Rows of a result, made from readings."""

    request: MeasureRequest
    scored: ScoredItems
    reader: AnswerReader

    def __post_init__(self) -> None:
        self._balance = Balance([item.letter for item in self.scored.items], self.request.seed)
        self.baseline = self._row(self.reader.baseline, BASELINE)

    def row(self, direction: Direction, scale: float, reading: Reading) -> MeasuredRow:
        """The row of a direction at a scale in the unit of the request."""
        return self._row(reading, direction.place(scale))

    def _row(self, reading: Reading, place: Place) -> MeasuredRow:
        finite = not bool(reading.differences.isnan().any())
        mean, low, high = self._balance.mean(reading.differences) if finite else (math.nan,) * 3
        return MeasuredRow(
            **place,
            differences=tuple(reading.differences.tolist()),
            divergences=tuple(reading.divergences.tolist()),
            mean=mean,
            low=low,
            high=high,
            # A comparison with NaN is false, which would count as an answer.
            share=float((reading.differences > 0).double().mean()) if finite else math.nan,
            kl=float(reading.divergences.mean()),
        )


@dataclass
class _ProgressReporter:
    """Finished rows, and the progress events about them."""

    emit: Callable[[MeasureProgress], None]
    start: MeasureResult
    directions: Sequence[Direction]  # in the order of the result
    begun: float
    overflow: Callable[[Sequence[Push]], str]  # the sentence about pushes after which numbers are not finite
    done: int = 0
    _overflowed: int = 0
    _overflow: str = ""
    _most: float = 0.0  # largest `done` of an event: rows are finished after parts of the pass that they are in
    _finished: dict[int, tuple[MeasuredRow, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.total = len(self.directions) * len(self.start.request.scales)
        self._places = {id(direction): place for place, direction in enumerate(self.directions)}
        self._time_to_go = TimeToGo()
        self._emit(0.0)

    def part(self, done: float) -> None:
        """Report that about `done` rows are computed, of which some are not finished."""
        if time.perf_counter() - self._last >= _QUIET_SECONDS:
            self._emit(max(done, self.done))

    def rows(self, direction: Direction, rows: Sequence[MeasuredRow]) -> None:
        """Add the finished rows of a direction: all, unless it was stopped."""
        if rows:
            self._finished[self._places[id(direction)]] = tuple(rows)
            self.done += len(rows)
            self._note_overflow(direction, rows)
            self._emit(self.done, tuple(rows))

    def result(self, cancelled: bool = False) -> MeasureResult:
        rows = tuple(row for place in sorted(self._finished) for row in self._finished[place])
        seconds, warnings = time.perf_counter() - self.begun, self.start.warnings
        if self._overflowed:
            warnings += (f"{self._overflowed} rows hold no numbers. {self._overflow}",)
        return replace(self.start, rows=rows, warnings=warnings, cancelled=cancelled, seconds=seconds)

    def _note_overflow(self, direction: Direction, rows: Sequence[MeasuredRow]) -> None:
        failed = [row for row in rows if math.isnan(row.kl)]
        if failed and not self._overflowed:
            self._overflow = self.overflow((Push(direction.layer, failed[0].scale * direction.unit),))
        self._overflowed += len(failed)

    def _emit(self, done: float, new: tuple[MeasuredRow, ...] = ()) -> None:
        self._last = time.perf_counter()
        done = self._most = max(done, self._most)
        left, seconds = self._time_to_go.at(done / self.total), self._last - self.begun
        self.emit(MeasureProgress(done, self.total, seconds, left.seconds, left.longer, new, self.result()))
