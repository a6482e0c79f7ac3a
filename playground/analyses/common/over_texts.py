"""Generation of texts for measurements: every item continued without steering and with every direction and scale.

The analyses `exact` and `replies` evaluate the texts of a row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from playground.analyses.common.directions import Direction, directions
from playground.analyses.common.request import OverScales, counted
from playground.analyses.common.result import BASELINE, Place, Row, measured_on
from playground.analyses.common.scales_result import ScalesResult
from playground.core.push import Push
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled
from playground.library.mix import LoadSet
from playground.limits import check_count, limits
from playground.model.generation.batch import rows_together
from playground.model.generation.generate import Sampling
from playground.model.generation.in_parts import generate_in_parts
from playground.model.load import LoadedModel
from playground.model.overflowed import Overflowed
from playground.model.prompting import encode

_Z = 1.959964
"""Normal quantile of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class OverTexts(OverScales):
    """A request of a measurement of vectors over scales on generated texts.

    `sampling` are the settings of generation; its seed is replaced by `seed`.
    """

    controls: int = 2
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sampling", replace(self.sampling, seed=self.seed))
        check_count(
            "texts (items × (vectors + controls) × scales)", self.texts, limits().texts,
            "ask for fewer vectors, scales or items",
        )  # fmt: skip
        check_count(
            "new tokens (texts × length)", self.texts * self.sampling.max_new_tokens, limits().job_tokens,
            "ask for fewer or shorter texts",
        )  # fmt: skip

    @property
    def per_item(self) -> int:
        """Texts an item for each direction and scale."""
        return 1

    @property
    def texts(self) -> int:
        """How many texts are generated, if all vectors are at one layer."""
        return len(self.items) * self.per_item * self.pushes

    @property
    def alike(self) -> dict[str, object]:
        return super().alike | {"sampling": replace(self.sampling, seed=0)}

    @property
    def read(self) -> tuple[str, ...]:
        return self.questions_asked * self.per_item

    @property
    def written(self) -> int:
        return self.per_item * len(self.items) * self.sampling.max_new_tokens

    @property
    def amount(self) -> str:
        each = f", {counted(self.per_item, 'sample')} each" if self.per_item > 1 else ""
        return f"{super().amount}{each} = {self.texts} texts"


@dataclass(frozen=True)
class TextsRow(Row):
    """One direction at one scale: `texts`, item after item, samples of an item side by side."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class TextsResult(ScalesResult):
    """The result of a measurement on generated texts."""

    request: OverTexts
    baseline: TextsRow
    rows: tuple[TextsRow, ...]

    def described(self) -> dict[str, Any]:
        sampling = self.request.sampling
        return super().described() | {
            "max_new_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
        }

    def item_texts(self, row: Row, place: int) -> tuple[tuple[str, str], ...]:
        assert isinstance(row, TextsRow)
        own = slice(place * self.request.per_item, (place + 1) * self.request.per_item)
        return tuple(zip(self.baseline.texts[own], row.texts[own], strict=True))


@dataclass(frozen=True)
class TextsProgress:
    """After `done` of `total` texts; `result` holds the rows that are finished, None until the baseline is.
    `seconds_to_go` is None until there is a pace; `longer`: it is more than before.
    """

    done: int
    total: int
    seconds: float
    seconds_to_go: float | None = None
    longer: bool = False
    result: TextsResult | None = None

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total


R = TypeVar("R", bound=TextsRow)
Result = TypeVar("Result", bound=TextsResult)


def over_texts(
    loaded: LoadedModel,
    request: OverTexts,
    load_set: LoadSet,
    make_row: Callable[[Place, Sequence[str]], R | None],
    make_result: Callable[..., Result],
    emit: Callable[[TextsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """Generate the texts of every row, and combine the rows to a result.

    `make_row` gets the fields of Row and the texts of that row, item after item, samples of an item side by side, and
    gives None when it is cancelled; `make_result` gets the fields of a Measurement, `request`, `baseline` and `rows`.
    A cancel returns the rows that are finished. Raises InputError for questions that are empty or too long and for rows
    that a set does not have, FileError for sets that are missing or were made for another width, Cancelled when it is
    stopped before the baseline is finished.
    """
    begun = time.perf_counter()
    found, warnings = directions(loaded, request.vectors, request.controls, request.seed, load_set, request.unit)
    steered = [(direction, scale) for direction in found for scale in request.scales if scale != 0]
    pushes = [(), *(direction.pushes(scale) for direction, scale in steered)]
    places = [BASELINE, *(direction.place(scale) for direction, scale in steered)]
    per_row = len(request.items) * request.per_item
    finished: list[R] = []
    overflowed = Overflowed(loaded, request.positions)
    about = measured_on(loaded, request.sources, load_set)

    def result(stopped: bool = False) -> Result:
        return make_result(
            request=request,
            baseline=finished[0],
            rows=_in_order(request, found, finished),
            warnings=(*warnings, *overflowed.warnings),
            cancelled=stopped,
            seconds=time.perf_counter() - begun,
            **about,
        )

    total = len(pushes) * per_row
    emit(TextsProgress(0, total, 0.0))
    time_to_go = TimeToGo()
    texts: list[str] = []
    with suppress(Cancelled):
        for batch in _generated(loaded, request, pushes, cancelled, overflowed):
            texts += batch
            while len(texts) >= per_row * (len(finished) + 1):
                place = len(finished)
                row = make_row(places[place], texts[place * per_row : (place + 1) * per_row])
                if row is None:
                    break
                finished.append(row)
            left, so_far = time_to_go.at(len(texts) / total), result() if finished else None
            seconds = time.perf_counter() - begun
            emit(TextsProgress(len(texts), total, seconds, left.seconds, left.longer, so_far))
    if not finished:
        raise Cancelled
    return result(stopped=len(finished) < len(pushes))


def _generated(
    loaded: LoadedModel,
    request: OverTexts,
    pushes: Sequence[tuple[Push, ...]],
    cancelled: Callable[[], bool],
    overflowed: Overflowed,
) -> Iterator[list[str]]:
    """The texts of every item and sample for each of `pushes` in turn, a batch at a time; fewer after a cancel."""
    questions = request.questions_asked
    encoded = encode(loaded, questions, request.format, room=request.sampling.max_new_tokens)
    plan = [
        (item, sample, push) for push in pushes for item in range(len(questions)) for sample in range(request.per_item)
    ]
    together = rows_together(loaded, max(encoded.lengths) + request.sampling.max_new_tokens)
    for start in range(0, len(plan), together):
        part = plan[start : start + together]
        # A text is the same whatever else is in its batch, since the number of its sample is given.
        asked, added = encoded.take([item for item, _, _ in part]), [push for _, _, push in part]
        done = generate_in_parts(
            loaded,
            asked,
            added,
            request.positions,
            request.sampling,
            cancelled=cancelled,
            samples=[sample for _, sample, _ in part],
        )
        if done.cancelled or cancelled():
            return
        overflowed.note(asked, added, done)
        yield list(done.texts)


def _in_order(request: OverTexts, found: Sequence[Direction], finished: Sequence[R]) -> tuple[R, ...]:
    """The finished rows, with the baseline in the place of each direction at scale 0."""
    rows: list[R] = []
    rest = iter(finished[1:])
    for direction in found:
        for scale in request.scales:
            if scale != 0:
                row = next(rest, None)
                if row is None:
                    return tuple(rows)
                rows.append(row)
            else:
                rows.append(replace(finished[0], **direction.place(scale)))
    return tuple(rows)


def wilson(share: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a proportion out of `total` trials (Wilson, 1927), which unlike a bootstrap interval has a
    width where all outcomes are equal.
    """
    weight = _Z * _Z / total
    middle = (share + weight / 2) / (1 + weight)
    reach = _Z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)
