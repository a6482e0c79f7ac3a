"""Accuracy of generated answers to questions with an exact numeric answer, over scales.

The answer of a text is its last number (playground/library/exact_answer.py), so that an answer worked out in steps
counts as one given at once. A text without a number is wrong, and counted separately too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from playground.analyses.analysis import Cell, Fact
from playground.analyses.common.over_texts import (
    OverTexts,
    TextsProgress,
    TextsResult,
    TextsRow,
    over_texts,
    wilson,
)
from playground.analyses.common.result import Place, Row
from playground.library.exact_answer import last_number
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.model.load import LoadedModel


@dataclass(frozen=True, kw_only=True)
class ExactRequest(OverTexts):
    """Request of an exact-answer measurement. `questions` is the whole prompt set, of the kind exact."""

    KIND = "exact"

    questions: PromptSet

    @property
    def asked(self) -> PromptSet:
        return self.questions


@dataclass(frozen=True)
class ExactRow(TextsRow):
    """One direction at one scale, over all items: the replies, and whether each is right.

    `share` is the accuracy, the part of the items that are right; `low` and `high` bound its 95 % interval (Wilson).
    `silent` is the part of the texts without any number.
    """

    right: tuple[bool, ...]
    share: float
    low: float
    high: float
    silent: float

    @property
    def bounds(self) -> tuple[float, float, float]:
        return self.share, self.low, self.high


@dataclass(frozen=True)
class ExactResult(TextsResult):
    """Rows of accuracies; see ScalesResult."""

    request: ExactRequest
    baseline: ExactRow
    rows: tuple[ExactRow, ...]

    @property
    def headline(self) -> list[str]:
        asked = f"{len(self.request.items)} questions of {self.request.questions.name}"
        return [f"{asked}; a reply answers with its last number"]

    def notes(self, called: str) -> tuple[str, ...]:
        silent = max((row.silent for row in self.rows if row.kind == "vector"), default=0.0)
        return (
            f"{len(self.request.items)} questions of {self.request.questions.name}; a reply answers with its last "
            f"number, up to {100 * silent:.0f} % of a vector's replies had none. Bands are 95 % intervals (Wilson).",
        )

    def items_of(self, row: Row) -> Iterator[Sequence[object]]:
        assert isinstance(row, ExactRow)
        answers = zip(self.request.places, self.request.items, row.right, row.texts, strict=True)
        for number, item, right, text in answers:
            yield number, int(right), item.question, item.answer, text

    def item_cells(self, row: Row, place: int) -> tuple[Cell, ...]:
        marks = (Cell("✓" if each.right[place] else "✗") for each in self._here(row))
        return Cell(self.request.items[place].answer), *marks

    def item_facts(self, row: Row, place: int) -> tuple[Fact, ...]:
        before, here = ("right" if each.right[place] else "wrong" for each in self._here(row))
        answer = Fact("answer", self.request.items[place].answer)
        return answer, Fact("last number", change=(before, here))

    def _here(self, row: Row) -> tuple[ExactRow, ExactRow]:
        """The baseline and a row."""
        assert isinstance(row, ExactRow)
        return self.baseline, row


def exact(
    loaded: LoadedModel,
    request: ExactRequest,
    load_set: LoadSet,
    emit: Callable[[TextsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ExactResult:
    """Ask every question without steering, and with every vector and control at every scale; count the right answers.

    Cancels and errors are those of `over_texts`.
    """

    def row(place: Place, texts: Sequence[str]) -> ExactRow:
        given = [last_number(text) for text in texts]
        right = tuple(number == item.number for number, item in zip(given, request.items, strict=True))
        share = sum(right) / len(right)
        low, high = wilson(share, len(right))
        silent = sum(number is None for number in given) / len(given)
        return ExactRow(**place, texts=tuple(texts), right=right, share=share, low=low, high=high, silent=silent)

    return over_texts(loaded, request, load_set, row, ExactResult, emit, cancelled)
