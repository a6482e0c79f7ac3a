"""Shares of replies over scales that match a pattern, or give one answer or the other of a choice.

Texts are generated without steering, and with every vector and random direction at every scale. For choice items a
reply belongs to one of three groups, `matching` (it gives the answer that shows the behaviour), `other` and `unclear`
(playground/library/choice_answer.py says how it is read). With patterns it belongs to the group of every pattern that
is found in it, or to `rest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.analyses.common.over_texts import OverTexts, TextsProgress, over_texts, wilson
from playground.analyses.common.result import Measurement, Row, frame
from playground.errors import InputError
from playground.library.checks import check_whole
from playground.library.choice_answer import OUTCOMES, read_answer
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.library.reply_patterns import REST, ReplyPattern, check_patterns
from playground.model.load import LoadedModel

MAX_SAMPLES = 256


@dataclass(frozen=True, kw_only=True)
class RepliesRequest(OverTexts):
    """What vectors do to replies. `prompts` is the set in full; without `patterns` it is one of choice items, whose
    two answers are looked for. `samples` replies to each item are drawn, at a temperature above 0.
    """

    KIND, SETS, ITEMS = "replies", ("prompts", "choices", "exact"), "prompts or questions"

    prompts: PromptSet
    patterns: tuple[ReplyPattern, ...] = ()
    samples: int = 1

    def __post_init__(self) -> None:
        check_whole("number of samples", self.samples, least=1, most=MAX_SAMPLES)
        super().__post_init__()
        object.__setattr__(self, "patterns", tuple(self.patterns))
        check_patterns(self.patterns)
        if not self.patterns and self.prompts.kind != "choices":
            raise InputError(
                f"Expected patterns for the replies to “{self.prompts.name}”, whose items have no answers to look for, "
                "got none; give one, such as polite=(?i)please."
            )
        if self.samples > 1 and self.sampling.temperature == 0:
            raise InputError(
                f"Expected a temperature above 0 for {self.samples} samples, got 0, at which they are all the same; "
                "set one, or ask for one sample."
            )

    @property
    def asked(self) -> PromptSet:
        return self.prompts

    @property
    def per_item(self) -> int:
        return self.samples

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that replies are sorted into."""
        return (*(pattern.name for pattern in self.patterns), REST) if self.patterns else OUTCOMES

    def groups_of(self, item: int, text: str) -> tuple[str, ...]:
        """The groups that a reply to the item of that place belongs to."""
        if not self.patterns:
            return (read_answer(text, self.items[item]),)
        return tuple(pattern.name for pattern in self.patterns if pattern.matches(text)) or (REST,)


@dataclass(frozen=True)
class Share:
    """The part of the replies that belong to a group, and its 95 % interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class RepliesRow(Row):
    """One direction at one scale: `texts`, item after item with the samples of an item side by side; `groups`, for each
    text the names of those it belongs to; and `shares`, one for each of the request's groups.
    """

    texts: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class RepliesResult(Measurement):
    """`rows` are those that were finished: vectors in the order of the request, then random directions, each with its
    scales in rising order; a row at scale 0 repeats the baseline.
    """

    request: RepliesRequest
    baseline: RepliesRow
    rows: tuple[RepliesRow, ...]

    def to_frame(self) -> Any:
        """A pandas DataFrame, a line a row and group, the baseline first; single replies are left out."""
        return frame(
            (row, {"group": group, **vars(share)})
            for row in (self.baseline, *self.rows)
            for group, share in zip(self.request.groups, row.shares, strict=True)
        )


def replies(
    loaded: LoadedModel,
    request: RepliesRequest,
    load_set: LoadSet,
    emit: Callable[[TextsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RepliesResult:
    """Continue every item without steering, and with every vector and control at every scale; sort what is said.

    Cancels and errors are those of `over_texts`.
    """

    def row(place: Mapping[str, Any], texts: Sequence[str]) -> RepliesRow | None:
        groups: list[tuple[str, ...]] = []
        for number, text in enumerate(texts):
            if cancelled():
                return None
            groups.append(request.groups_of(number // request.samples, text))
        shares = tuple(_share([name in own for own in groups], request.samples) for name in request.groups)
        return RepliesRow(**place, texts=tuple(texts), groups=tuple(groups), shares=shares)

    return over_texts(loaded, request, load_set, row, RepliesResult, emit, cancelled)


def _share(hits: Sequence[bool], samples: int) -> Share:
    share = sum(hits) / len(hits)
    return Share(share, *wilson(share, effective_size(hits, samples)))


def effective_size(hits: Sequence[bool], samples: int) -> float:
    """How many independent replies the `hits` of n items, `samples` of each side by side, are worth.

    Replies to one prompt are alike: n·samples / (1 + (samples − 1)·ρ), the design effect of Kish (1965), with the
    intraclass correlation ρ, from 0 to 1, estimated by one-way analysis of variance. Where all hits are equal ρ cannot
    be told, and is taken as 1. Of one item the interval is about that item, and every reply counts.
    """
    items = len(hits) // samples
    if samples == 1 or items == 1:
        return len(hits)
    counts = [sum(hits[start : start + samples]) for start in range(0, len(hits), samples)]
    mean = sum(counts) / len(hits)
    between = samples * sum((count / samples - mean) ** 2 for count in counts) / (items - 1)
    within = sum(count * (1 - count / samples) for count in counts) / (items * (samples - 1))
    spread = between + (samples - 1) * within
    correlation = 1.0 if spread == 0 else min(1.0, max(0.0, (between - within) / spread))
    return len(hits) / (1 + (samples - 1) * correlation)
