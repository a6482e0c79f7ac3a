"""Shares of replies over scales that match a pattern, or give one answer or the other of a choice.

Texts are generated without steering, and with every vector and random direction at every scale. For choice items a
reply belongs to one of three groups, `matching` (it gives the answer that shows the behaviour), `other` and `unclear`
(read by playground/library/choice_answer.py). With patterns it belongs to the group of every pattern that
is found in it, or to `rest`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playground.analyses.analysis import Cell, Fact
from playground.analyses.common.over_texts import (
    OverTexts,
    TextsProgress,
    TextsResult,
    TextsRow,
    over_texts,
    wilson,
)
from playground.analyses.common.result import Measurement, Place, Row
from playground.errors import InputError
from playground.library.choice_answer import OUTCOMES, read_answer
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.library.reply_patterns import REST, ReplyPattern, check_patterns
from playground.limits import check_whole, limits
from playground.model.load import LoadedModel


@dataclass(frozen=True, kw_only=True)
class RepliesRequest(OverTexts):
    """Request of a reply measurement. `prompts` is the whole prompt set; without `patterns` it is one of choice items,
    whose two answers are searched for. `samples` replies to each item are drawn, at a temperature above 0.
    """

    KIND = "replies"

    prompts: PromptSet
    patterns: tuple[ReplyPattern, ...] = ()
    samples: int = 1

    def __post_init__(self) -> None:
        check_whole("number of samples", self.samples, least=1, most=limits().samples)
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
    def alike(self) -> dict[str, object]:
        return super().alike | {"number of samples": self.samples, "patterns": self.patterns}

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that replies are sorted into."""
        return (*(pattern.name for pattern in self.patterns), REST) if self.patterns else OUTCOMES

    def said_group(self, place: int) -> str:
        """The display name of a group of replies, by its index."""
        name = self.groups[place]
        if self.patterns:
            return name
        return {"matching": "the behaviour’s answer", "other": "the other answer"}.get(name, name)

    def groups_of(self, item: int, text: str) -> tuple[str, ...]:
        """The groups of a reply to the item with that index."""
        if not self.patterns:
            return (read_answer(text, self.items[item]),)
        return tuple(pattern.name for pattern in self.patterns if pattern.matches(text)) or (REST,)


@dataclass(frozen=True)
class Share:
    """The part of the replies that belong to a group, and its 95 % interval."""

    share: float
    low: float
    high: float

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The share, and its interval."""
        return self.share, self.low, self.high


@dataclass(frozen=True)
class RepliesRow(TextsRow):
    """One direction at one scale: `texts`, item after item with the samples of an item side by side; `groups`, for each
    text the names of those it belongs to; and `shares`, one for each of the request's groups.
    """

    groups: tuple[tuple[str, ...], ...]
    shares: tuple[Share, ...]

    @property
    def bounds(self) -> tuple[float, float, float]:
        return self.shares[0].bounds


@dataclass(frozen=True)
class RepliesResult(TextsResult):
    """Rows of shares; see ScalesResult."""

    request: RepliesRequest
    baseline: RepliesRow
    rows: tuple[RepliesRow, ...]

    def numbers(self, row: Row) -> dict[str, Any]:
        """Share, low and high of every group by its name, and one reply: the first."""
        assert isinstance(row, RepliesRow)
        return {"shares": {part.pop("group"): part for part in self.parts(row)}, "text": row.texts[0]}

    def parts(self, row: Row) -> Iterator[dict[str, Any]]:
        for name, share in self._shares(row):
            yield {"group": name, **vars(share)}

    def wide(self, row: Row) -> dict[str, float]:
        return {f"{name} {column}": value for name, share in self._shares(row) for column, value in vars(share).items()}

    def items_of(self, row: Row) -> Iterator[Sequence[object]]:
        assert isinstance(row, RepliesRow)
        for number, (groups, text) in enumerate(zip(row.groups, row.texts, strict=True)):
            item, sample = divmod(number, self.request.samples)
            place, question = self.questions[item]
            yield place, sample, ",".join(groups), question, text

    def described(self) -> dict[str, Any]:
        return super().described() | {
            "samples": self.request.samples,
            "patterns": {pattern.name: pattern.regex for pattern in self.request.patterns},
            "groups": list(self.request.groups),
        }

    @property
    def headline(self) -> list[str]:
        how = "share of replies that give the answer showing the behaviour, give the other one, or are unclear"
        if self.request.patterns:
            how = "share of replies that match each pattern, and of those that match none"
        return [f"{self._items}; {how}"]

    @property
    def several(self) -> str:
        return f"share of replies that are {self.request.groups[0]}"

    @property
    def heads(self) -> str:
        return "".join(f"{name:>{width}}" for name, width in self._widths.items())

    def cells(self, row: Row) -> str:
        said = {name: (each.share, 100 * each.low, 100 * each.high) for name, each in self._shares(row)}
        texts = {name: f"{share:.0%} ({low:.0f} to {high:.0f})" for name, (share, low, high) in said.items()}
        return "".join(f"{texts[name]:>{width}}" for name, width in self._widths.items())

    def notes(self, called: str) -> tuple[str, ...]:
        read = "; ".join(f"{pattern.name}: {pattern.regex}" for pattern in self.request.patterns) or (
            "matching: the reply gives the behaviour’s answer; other: the other one; unclear: neither, or both"
        )
        whose = f"For {called}. " if called else ""
        return f"{self._items}. Bands are 95 % intervals (Wilson).", f"{whose}{read}."

    def item_cells(self, row: Row, place: int) -> tuple[Cell, ...]:
        return tuple(Cell(self._groups(each, place)) for each in (self.baseline, row))

    def item_facts(self, row: Row, place: int) -> tuple[Fact, ...]:
        return (Fact("replies", change=(self._groups(self.baseline, place), self._groups(row, place))),)

    def check_beside(self, before: Measurement) -> None:
        super().check_beside(before)
        if before.request.patterns != self.request.patterns:
            raise InputError(
                "Expected replies searched for the same patterns to draw beside each other, got others; choose another."
            )

    @property
    def _items(self) -> str:
        each = "" if self.request.samples == 1 else f", {self.request.samples} replies to each"
        return f"{len(self.request.items)} items of {self.request.prompts.name}{each}"

    @property
    def _widths(self) -> dict[str, int]:
        return {name: max(len(name), len("100 % (100 to 100)")) + 2 for name in self.request.groups}

    def _shares(self, row: Row) -> Iterator[tuple[str, Share]]:
        """The groups by their names, and the share of each."""
        assert isinstance(row, RepliesRow)
        return zip(self.request.groups, row.shares, strict=True)

    def _groups(self, row: Row, place: int) -> str:
        """The groups of the replies to one item, with counts where there are several replies."""
        assert isinstance(row, RepliesRow)
        samples = self.request.samples
        counts = Counter(name for own in row.groups[place * samples : (place + 1) * samples] for name in own)
        names = [name for name in self.request.groups if counts[name]]
        return ", ".join(name if samples == 1 else f"{name} {counts[name]}" for name in names)


def replies(
    loaded: LoadedModel,
    request: RepliesRequest,
    load_set: LoadSet,
    emit: Callable[[TextsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RepliesResult:
    """Continue every item without steering, and with every vector and control at every scale; sort the replies into
    groups.

    Cancels and errors are those of `over_texts`.
    """

    def row(place: Place, texts: Sequence[str]) -> RepliesRow | None:
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
    """Effective sample size of the `hits` of n items, with `samples` of one item side by side.

    Replies to one prompt are alike: n·samples / (1 + (samples − 1)·ρ), the design effect of Kish (1965), with the
    intraclass correlation ρ, from 0 to 1, estimated by one-way analysis of variance. Where all hits are equal ρ is
    undefined, and taken as 1. With one item the interval is that of the item, and every reply counts.
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
