"""Accuracy on questions with an exact numeric answer over scales, judged by generating.

A text answers with the last number in it (playground/library/exact_answer.py), so that an answer worked out in steps
counts as one given at once. A text without a number is wrong, and counted beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.analyses.common.over_texts import OverTexts, TextsProgress, over_texts, wilson
from playground.analyses.common.result import Measurement, Row, frame
from playground.library.exact_answer import last_number
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.model.load import LoadedModel


@dataclass(frozen=True, kw_only=True)
class ExactRequest(OverTexts):
    """What vectors do to answers that are right or wrong. `questions` is the set in full, of the kind exact."""

    KIND, SETS, ITEMS = "exact", ("exact",), "questions with a number for an answer"

    questions: PromptSet

    @property
    def asked(self) -> PromptSet:
        return self.questions


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

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row, the baseline first; single replies are left out."""
        names = ("share", "low", "high", "silent")
        return frame((row, {name: getattr(row, name) for name in names}) for row in (self.baseline, *self.rows))


def exact(
    loaded: LoadedModel,
    request: ExactRequest,
    load_set: LoadSet,
    emit: Callable[[TextsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ExactResult:
    """Ask every question without steering, and with every vector and control at every scale; judge what is said.

    Cancels and errors are those of `over_texts`.
    """

    def row(place: Mapping[str, Any], texts: Sequence[str]) -> ExactRow:
        said = [last_number(text) for text in texts]
        right = tuple(number == item.number for number, item in zip(said, request.items, strict=True))
        share = sum(right) / len(right)
        low, high = wilson(share, len(right))
        silent = sum(number is None for number in said) / len(said)
        return ExactRow(**place, texts=tuple(texts), right=right, share=share, low=low, high=high, silent=silent)

    return over_texts(loaded, request, load_set, row, ExactResult, emit, cancelled)
