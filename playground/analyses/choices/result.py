"""Results of choice measurements: items, rows of (vector, scale), and both while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import Measurement, Row, frame
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
    """What rows do on the prompts of `neutral`: the side effect of a row by its place among the rows of a result."""

    neutral: PromptSet
    of_rows: Mapping[int, SideEffect]


@dataclass(frozen=True)
class MeasureResult(Measurement):
    """`rows` are those that were finished: vectors in the order of the request, then controls (once for each layer and
    norm at which vectors are), each with its scales in rising order. `baseline` stands beside them.

    `letters` counts the scored items by the answer that shows the behaviour, such as (("(A)", 24), ("(B)", 24)). The
    mean of a row is the mean over these letters of the mean over their items, so that a preference for a letter is not
    taken for an effect; `letters` is empty in a set of free answers, where it is the plain mean. `by` says how answers
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

    def curve(self, vector: MeasuredVector) -> tuple[MeasuredRow, ...]:
        """The rows of one vector, scales rising; fewer than were asked for when the run was stopped."""
        return tuple(row for row in self.rows if row.source == vector.source and row.vector == vector.label)

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row, the baseline first; numbers of single items are left out."""
        names = ("mean", "low", "high", "share", "kl")
        return frame((row, {name: getattr(row, name) for name in names}) for row in (self.baseline, *self.rows))

    def controls(self, layer: int) -> tuple[MeasuredRow, ...]:
        """The rows of all random directions at `layer`."""
        return tuple(row for row in self.rows if row.kind == "random" and row.layer == layer)

    def skipped_reasons(self) -> dict[str, int]:
        """How many items were skipped for each reason."""
        counts: dict[str, int] = {}
        for item in self.skipped:
            counts[item.reason] = counts.get(item.reason, 0) + 1
        return counts


@dataclass(frozen=True)
class MeasureProgress:
    """After `done` of `total` rows (a part of one counts). `result` holds the rows that are finished, None until the
    baseline is.

    `new` are the rows finished since the last event. `seconds_to_go` is an estimate at the pace so far, None before
    there is one.
    """

    done: float
    total: int
    seconds: float
    seconds_to_go: float | None
    new: tuple[MeasuredRow, ...] = ()
    result: MeasureResult | None = None

    @property
    def share(self) -> float:
        """The part done, 0..1."""
        return self.done / self.total
