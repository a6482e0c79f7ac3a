"""Session state of the Steer tab: mix, conversation, and generated texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.model.conversation import Turn
from playground.services.generate import GenerateRequest, GenerateResult
from playground.services.link import Link
from playground.services.strip import Strip
from playground.services.token_kl import TokenKl
from playground.ui.kit.event_order import EventOrder
from playground.ui.kit.mix import MixRow
from playground.ui.kit.visitor import Slice
from playground.ui.steer.mixer import Mix


@dataclass
class Written:
    """The generated texts. `kinds` are their panes, in the order of the result's rows; `detail` is the speed, as text;
    `kl` has the tokens of every row, None until they are computed.
    """

    request: GenerateRequest
    result: GenerateResult
    kinds: tuple[str, ...]
    detail: str
    kl: tuple[tuple[TokenKl, ...], ...] | None = None

    def of(self, kind: str) -> slice | None:
        """The rows of the result that belong to a pane; None when it was not generated."""
        if kind not in self.kinds:
            return None
        count = len(self.result.rows) // len(self.kinds)
        return slice(self.kinds.index(kind) * count, (self.kinds.index(kind) + 1) * count)


@dataclass(frozen=True)
class WrittenStrip:
    """A scale strip of row `row` of the set `source`, its scales without the texts."""

    source: str
    row: int
    strip: Strip


@dataclass(frozen=True)
class Opened:
    """A link that could not be shown whole. `shown`: the link of what was shown in its place, as `encode` writes it."""

    link: Link
    shown: str


@dataclass
class SteerState(Slice):
    """State of one visitor."""

    mix: Mix = field(default_factory=Mix)
    """Session state, because the values that a browser sends may be older than the last update."""
    written: Written | None = None
    """The texts that were generated last."""
    written_with: tuple[MixRow, ...] = ()
    """The mix that they were generated with."""
    strip: WrittenStrip | None = None
    """The scale strip under them."""
    beside: tuple[str, ...] = ()
    """The panes beside Baseline and Steered."""
    turns: tuple[Turn, ...] = ()
    """The conversation before the prompt."""
    turns_drawn: int = 0
    """Counts the redraws of the conversation."""
    effect_shown: object = None
    """Key of the inputs that the panels show the effect of, so that nothing is computed twice."""
    effect_wanted: object = None
    """Key of the inputs whose effect is being computed."""
    sealed: int = 0
    """Counts the states that get an entry of their own in the browser's history."""
    form_events: EventOrder = field(default_factory=EventOrder)
    """Order of the events that bring the values of the form."""
    opened: Opened | None = None
    """The link that was opened last, where something of it is missing: the address keeps it until Steer changes."""
