"""The numbers of a result as CSV: one line a row, and one line an item of a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from playground.analyses.choices.result import MeasureResult
from playground.analyses.common.document import Result
from playground.analyses.common.labels import UNLABELLED, Labels
from playground.analyses.common.result import Row
from playground.analyses.exact.run import ExactResult
from playground.analyses.next_token.run import Shifts
from playground.analyses.replies.run import RepliesResult
from playground.library.recipe import format as format_recipe

_PLACE = ("set", "vector", "kind", "layer", "scale", "relative", "multiple")
ROWS = {
    MeasureResult: (*_PLACE, "mean", "low", "high", "share", "kl", "label"),
    ExactResult: (*_PLACE, "share", "low", "high", "silent", "label"),
    RepliesResult: (*_PLACE, "group", "share", "low", "high", "label"),
    Shifts: ("quantity", "of", "token_id", "multiple", "value", "label"),
}
"""Columns of a line a row. For next tokens a line is one value: KL of the recipe (`kl`) or of a random push (`random`),
or the probability of a token (`probability`). For replies it is one group of a row. `label` is what
people called the vector, empty where they did not."""
ITEMS = {
    MeasureResult: (*_PLACE, "item", "letter", "by", "difference", "kl", "question", "matching", "other", "label"),
    ExactResult: (*_PLACE, "item", "right", "question", "answer", "reply", "label"),
    RepliesResult: (*_PLACE, "item", "sample", "groups", "question", "reply", "label"),
    Shifts: ("prompt", "multiple", "kl", "text"),
}
"""Columns of a line an item of a row; items and prompts by their number, from 0; groups of a reply with
commas between them."""


def row_csv(result: Result, labels: Labels = UNLABELLED) -> str:
    """The baseline and every row, with the columns ROWS."""
    if isinstance(result, Shifts):
        lines = _shift_rows(result, labels)
    else:
        lines = _groups(result, labels) if isinstance(result, RepliesResult) else _rows(result, labels)
    return _csv(ROWS[type(result)], lines)


def item_csv(result: Result, labels: Labels = UNLABELLED) -> str:
    """Every item of the baseline and of every row, with the columns ITEMS; for next tokens every prompt."""
    if isinstance(result, Shifts):
        return _csv(ITEMS[Shifts], _prompts(result))
    if isinstance(result, RepliesResult):
        lines = _replies(result, labels)
    else:
        lines = _choice_items(result, labels) if isinstance(result, MeasureResult) else _exact_items(result, labels)
    return _csv(ITEMS[type(result)], lines)


def _rows(result: MeasureResult | ExactResult, labels: Labels) -> Iterator[Sequence[object]]:
    names = ROWS[type(result)][len(_PLACE) : -1]
    for row in (result.baseline, *result.rows):
        yield (*_place(row), *(getattr(row, name) for name in names), labels.of(row.name))


def _groups(result: RepliesResult, labels: Labels) -> Iterator[Sequence[object]]:
    for row in (result.baseline, *result.rows):
        for name, share in zip(result.request.groups, row.shares, strict=True):
            yield (*_place(row), name, share.share, share.low, share.high, labels.of(row.name))


def _replies(result: RepliesResult, labels: Labels) -> Iterator[Sequence[object]]:
    questions, samples = result.request.questions_asked, result.request.samples
    places = result.request.places
    for row in (result.baseline, *result.rows):
        for number, (groups, text) in enumerate(zip(row.groups, row.texts, strict=True)):
            item, sample = divmod(number, samples)
            yield (*_place(row), places[item], sample, ",".join(groups), questions[item], text, labels.of(row.name))


def _choice_items(result: MeasureResult, labels: Labels) -> Iterator[Sequence[object]]:
    for row in (result.baseline, *result.rows):
        for item, difference, divergence in zip(result.items, row.differences, row.divergences, strict=True):
            texts = (item.question, item.matching, item.other, labels.of(row.name))
            yield (*_place(row), item.number, item.letter, item.by, difference, divergence, *texts)


def _exact_items(result: ExactResult, labels: Labels) -> Iterator[Sequence[object]]:
    for row in (result.baseline, *result.rows):
        answers = zip(result.request.places, result.request.items, row.right, row.texts, strict=True)
        for number, item, right, text in answers:
            yield (*_place(row), number, int(right), item.question, item.answer, text, labels.of(row.name))


def _shift_rows(result: Shifts, labels: Labels) -> Iterator[Sequence[object]]:
    curves = [("kl", format_recipe(result.request.recipe), None, result.kl)]
    curves += [("random", f"random-{number}", None, row) for number, row in enumerate(result.controls)]
    curves += [("probability", token.text, token.token_id, token.probabilities) for token in result.tokens]
    for *what, values in curves:
        label = labels.of_recipe(result.request.recipe) if what[0] == "kl" else ""
        for multiple, value in zip(result.request.multipliers, values, strict=True):
            yield (*what, multiple, value, label)


def _prompts(result: Shifts) -> Iterator[Sequence[object]]:
    # Fewer numbers than prompts after a cancel.
    for number, (text, values) in enumerate(zip(result.request.texts, result.kl_prompts, strict=False)):
        for multiple, value in zip(result.request.multipliers, values, strict=True):
            yield number, multiple, value, text


def _place(row: Row) -> tuple[object, ...]:
    return row.source, row.vector, row.kind, row.layer, row.scale, row.relative, row.multiple


def _csv(header: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    """A CSV text; what is None is left empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
