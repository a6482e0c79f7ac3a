"""Conversion of choice items to questions for the model, with the reasons for items that cannot be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import By, MeasuredItem, SkippedItem
from playground.core.positions import Positions, window
from playground.errors import Cancelled, InputError
from playground.library.prompt_set import ChoiceItem
from playground.library.selection import label_pair
from playground.model.load import LoadedModel
from playground.model.reading.answers import question
from playground.model.reading.question_trees import Question


@dataclass(frozen=True)
class ScoredItems:
    """The items that can be scored, each with its question, and those that cannot. `letters` and `by` as in
    MeasureResult. `unreached`: how many questions no push reaches at the positions of the request.
    """

    questions: tuple[Question, ...]
    items: tuple[MeasuredItem, ...]
    skipped: tuple[SkippedItem, ...]
    letters: tuple[tuple[str, int], ...]
    by: Literal["logit", "log-probability", "mixed"]
    unreached: int


def score_items(
    loaded: LoadedModel, request: MeasureRequest, cancelled: Callable[[], bool] = lambda: False
) -> ScoredItems:
    """The items of a request as questions.

    Raises InputError when the prompts cannot be formatted, when no item can be scored and when no push would reach one,
    Cancelled after a cancel.
    """
    pair = label_pair(request.items)
    questions: list[Question] = []
    items: list[MeasuredItem] = []
    skipped: list[SkippedItem] = []
    for number, item in zip(request.places, request.items, strict=True):
        if cancelled():
            raise Cancelled
        found = _question(loaded, request, item, pair)
        if isinstance(found, str):
            skipped.append(SkippedItem(number, found))
            continue
        by: By = "logit" if found.by_logit else "log-probability"
        letter = item.matching.strip() if pair else ""
        questions.append(found)
        items.append(MeasuredItem(number, item.question, item.matching, item.other, letter, by))
    if not items:
        reasons = Counter(item.reason for item in skipped)
        raise InputError(
            f"Expected items of “{request.choices.name}” that can be scored, got none: "
            f"{', '.join(f'{count} × {reason}' for reason, count in reasons.items())}; choose another set."
        )
    ways = {item.by for item in items}
    counts = Counter(item.letter for item in items if item.letter)
    return ScoredItems(
        tuple(questions),
        tuple(items),
        tuple(skipped),
        tuple(sorted(counts.items())),
        ways.pop() if len(ways) == 1 else "mixed",
        _unreached(questions, request.positions),
    )


def _question(
    loaded: LoadedModel, request: MeasureRequest, item: ChoiceItem, pair: frozenset[str] | None
) -> Question | str:
    if pair is not None and not {item.matching.strip(), item.other.strip()} <= pair:
        return f"answers other than {' and '.join(sorted(pair))}"
    return question(loaded, item.question, request.format, (item.matching, item.other))


def _unreached(questions: Sequence[Question], positions: Positions) -> int:
    """How many questions are read before anything is generated, while only generated tokens are steered."""
    if window(positions).reaches_prompt:
        return 0
    count = sum(not one.shared and one.by_logit for one in questions)
    if count == len(questions):
        raise InputError(
            "Expected positions that reach the answers, got generated tokens alone, while all answers differ in their "
            "first token, which is read from the prompt; choose all, prompt or last."
        )
    return count
