"""Results of choice measurements: items, rows (one direction at one scale), side effects and progress events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from playground.analyses.analysis import Cell, Fact
from playground.analyses.choices import leaderboard
from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import Row
from playground.analyses.common.scales_result import ScalesResult
from playground.library.prompt_set import PromptSet

By = Literal["logit", "log-probability"]
"""How two answers are compared: by the logits of the one token in which they differ, or by the log-probability of the
whole answers, summed over their tokens (the model reading each answer as it would have written it)."""


@dataclass(frozen=True)
class MeasuredItem:
    """An item that could be scored. `number` is its place in the set, from 0. `letter` is the answer that shows the
    behaviour as the set labels it (“(A)”), "" in a set of free answers.
    """

    number: int
    question: str
    matching: str
    other: str
    letter: str
    by: By


@dataclass(frozen=True)
class SkippedItem:
    """An item that could not be scored, by its place in the set from 0, and why: a few words, the same for all items
    with the same reason.
    """

    number: int
    reason: str


@dataclass(frozen=True)
class MeasuredRow(Row):
    """One direction at one scale, over all items that could be scored.

    `differences` (one an item, in nats) are log-odds of the answer that shows the behaviour over the other one;
    `divergences` (one an item, in nats) KL(steered ‖ baseline) of the next token where the two answers part.
    `mean` of the differences is balanced by letter (see MeasureResult), `low` and `high` bound its 95 % bootstrap
    interval over items, `share` is the part of the items with a difference above 0, on which the behaviour wins, `kl`
    the plain mean of the divergences. All of them are NaN where numbers were not finite.
    """

    differences: tuple[float, ...]
    divergences: tuple[float, ...]
    mean: float
    low: float
    high: float
    share: float
    kl: float

    @property
    def bounds(self) -> tuple[float, float, float]:
        return self.mean, self.low, self.high

    @property
    def wins(self) -> tuple[float, float, float]:
        """The share of items on which the behaviour wins, which has no interval."""
        return self.share, self.share, self.share


@dataclass(frozen=True)
class SideEffect:
    """`kl`: KL(steered ‖ baseline) of the next token in nats, mean over neutral prompts. `repetition` (the share of
    4-grams of tokens that repeat) and `perplexity` under the model as it is (geometric mean; None when it wrote
    nothing) of short answers to some of them; `text` is the first of these.
    """

    kl: float
    repetition: float
    perplexity: float | None
    text: str


@dataclass(frozen=True)
class SideEffects:
    """Side effects on the prompts of `neutral`, by the index of the row in a result."""

    neutral: PromptSet
    of_rows: Mapping[int, SideEffect]


@dataclass(frozen=True)
class MeasureResult(ScalesResult):
    """`rows` are those that were finished: vectors in the order of the request, then controls (once for each layer and
    norm at which vectors are), each with its scales in rising order. `baseline` stands beside them.

    `letters` counts the scored items by the answer that shows the behaviour, such as (("(A)", 24), ("(B)", 24)). The
    mean of a row is the mean over these letters of the mean over their items, so that a preference for a letter is not
    taken for an effect; `letters` is empty in a set of free answers, where it is the plain mean. `by` is how answers
    were compared, "mixed" when that differs between items. `side_effects`: None where they were not measured.
    """

    request: MeasureRequest
    items: tuple[MeasuredItem, ...]
    skipped: tuple[SkippedItem, ...]
    letters: tuple[tuple[str, int], ...]
    by: Literal["logit", "log-probability", "mixed"]
    baseline: MeasuredRow
    rows: tuple[MeasuredRow, ...]
    side_effects: SideEffects | None = None

    @property
    def questions(self) -> list[tuple[int, str]]:
        return [(item.number, item.question) for item in self.items]

    def items_of(self, row: Row) -> Iterator[Sequence[object]]:
        assert isinstance(row, MeasuredRow)
        for item, difference, divergence in zip(self.items, row.differences, row.divergences, strict=True):
            texts = (item.question, item.matching, item.other)
            yield (item.number, item.letter, item.by, difference, divergence, *texts)

    def described(self) -> dict[str, Any]:
        return {
            "skipped": len(self.skipped),
            "skipped_reasons": self.skipped_reasons(),
            "by": self.by,
            "letters": dict(self.letters),
            **super().described(),
        }

    def facts(self) -> dict[str, Any]:
        return super().facts() | leaderboard.facts(self)

    @property
    def headline(self) -> list[str]:
        balance = " and ".join(f"{count} × {letter}" for letter, count in self.letters)
        how = {"logit": "by logit", "log-probability": "by whole-answer log-probability"}.get(
            self.by, "by logit or whole-answer log-probability, as the answers are"
        )
        return [
            "; ".join([f"{len(self.items)} items of {self.request.choices.name}, {how}", *self._skipped]),
            f"mean of the means for {balance}" if self.letters else "plain mean over items",
        ]

    def lines(self) -> list[str]:
        return [*super().lines(), *leaderboard.lines(self)]

    def notes(self, called: str) -> tuple[str, ...]:
        how = {"logit": "by the logits of one token", "log-probability": "by the log-probability of whole answers"}
        compared = how.get(self.by, "by logits where one token tells them apart, else by whole answers")
        letters = " and ".join(f"{count} {letter}" for letter, count in self.letters)
        said = f"{len(self.items)} items of {self.request.choices.name}, compared {compared}"
        said += f"; balanced by letter ({letters})" if letters else ""
        said += f"; {'; '.join(self._skipped) or 'none skipped'}"
        return (
            f"{said}. Bands are 95 % bootstrap intervals over items.",
            "Items whose logit difference is above 0.",
            f"Every point is an item, for {called}; click one to open it.",
        )

    def item_cells(self, row: Row, place: int) -> tuple[Cell, ...]:
        assert isinstance(row, MeasuredRow)
        before, here = self.baseline.differences[place], row.differences[place]
        return Cell(f"{before:+.2f}"), Cell(f"{here:+.2f}", 1 if here > 0 else -1)

    def item_facts(self, row: Row, place: int) -> tuple[Fact, ...]:
        assert isinstance(row, MeasuredRow)
        item, before, here = self.items[place], self.baseline.differences[place], row.differences[place]
        return (
            Fact("behaviour", item.matching.strip()),
            Fact("other", item.other.strip()),
            Fact("compared by", item.by),
            Fact("logit difference", change=(f"{before:+.2f}", f"{here:+.2f}"), unit=" nats"),
            Fact("KL(steered ‖ baseline)", f"{row.divergences[place]:.2f} nats"),
        )

    @property
    def _skipped(self) -> list[str]:
        return [f"{count} skipped: {reason}" for reason, count in self.skipped_reasons().items()]

    def curve(self, vector: MeasuredVector) -> tuple[MeasuredRow, ...]:
        """The rows of one vector, scales rising; fewer than were asked for when the run was stopped."""
        return tuple(row for row in self.rows if row.source == vector.source and row.vector == vector.label)

    def controls(self, layer: int) -> tuple[MeasuredRow, ...]:
        """The rows of all random directions at `layer`."""
        return tuple(row for row in self.rows if row.kind == "random" and row.layer == layer)

    def skipped_reasons(self) -> dict[str, int]:
        """How many items were skipped for each reason."""
        return dict(Counter(item.reason for item in self.skipped))


@dataclass(frozen=True)
class MeasureProgress:
    """After `done` of `total` rows (a part of one counts). `result` holds the rows that are finished, None until the
    baseline is.

    `new` are the rows finished since the last event. `seconds_to_go` is None until there is a pace; `longer`: it is
    more than before.
    """

    done: float
    total: int
    seconds: float
    seconds_to_go: float | None
    longer: bool
    new: tuple[MeasuredRow, ...] = ()
    result: MeasureResult | None = None

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total
