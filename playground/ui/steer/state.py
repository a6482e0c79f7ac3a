"""Session state of the Steer tab: the mix, the conversation, and what was generated."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.model.conversation import Turn
from playground.services.generate import GenerateRequest, GenerateResult
from playground.services.token_kl import TokenKl
from playground.ui.kit.visitor import Slice
from playground.ui.steer.mixer import Mix


@dataclass
class Written:
    """The texts that Steer shows. `kinds` are the panes they stand in, in the order of the result's rows; `kl` has the
    tokens of every row once they were asked for.
    """

    request: GenerateRequest
    result: GenerateResult
    kinds: tuple[str, ...]
    detail: str
    kl: tuple[tuple[TokenKl, ...], ...] | None = None

    def of(self, kind: str) -> slice | None:
        """The rows of the result that stand in a pane; None when it was not asked for."""
        if kind not in self.kinds:
            return None
        count = len(self.result.rows) // len(self.kinds)
        return slice(self.kinds.index(kind) * count, (self.kinds.index(kind) + 1) * count)


@dataclass
class SteerState(Slice):
    """`written` was generated last."""

    mix: Mix = field(default_factory=Mix)
    """Kept here because what a browser sends is older than what was just written."""
    written: Written | None = None
    beside: tuple[str, ...] = ()
    """The panes that stand beside Baseline and Steered."""
    turns: tuple[Turn, ...] = ()
    """The conversation before the prompt."""
    turns_drawn: int = 0
    """Counts how often the conversation was drawn."""
    effect_shown: object = None
    """What the plots were last drawn for, so that nothing is computed twice."""
    effect_wanted: object = None
    """What they were last asked for."""
