"""Values of the Steer tab's controls, and their conversion to parts of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from playground.core.positions import Positions
from playground.errors import InputError
from playground.model.conversation import Turn
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.link import BESIDE
from playground.ui.kit.entered import real, whole
from playground.ui.kit.mix import MixRow
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.state import SteerState


@dataclass(frozen=True)
class SteerForm:
    """The values of the tab's controls, in the order in which the page sends them; then the mix and the conversation,
    which are session state.
    """

    prompt: str
    mode: str
    system: str
    thinking: bool
    positions: Positions
    """Checked by the requests; a browser may send anything."""
    first_answer: str
    second_answer: str
    max_new_tokens: float
    temperature: float
    top_p: float
    samples: float
    seed: float
    negative: bool
    random: bool
    colour: bool
    mix: tuple[MixRow, ...] = ()
    turns: tuple[Turn, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Any], visitor: Visitor) -> SteerForm:
        """The form from the values of the page and the visitor's session state."""
        state = SteerState.of(visitor)
        return replace(cls(*values), mix=state.mix.all, turns=state.turns)

    @property
    def format(self) -> PromptFormat:
        """The prompt format; conversation, system prompt and thinking apply to chat only. Raises InputError."""
        if self.mode not in ("chat", "raw"):
            raise InputError(f"Expected the format chat or raw, got “{self.mode}”; choose one of them.")
        if self.mode == "raw":
            return PromptFormat(chat=False)
        return PromptFormat(
            system=(self.system or "").strip() or None, thinking=bool(self.thinking), turns=self.turns
        )

    @property
    def sampling(self) -> Sampling:
        """The sampling settings. Raises InputError."""
        return Sampling(
            max_new_tokens=whole(self.max_new_tokens, "tokens"),
            temperature=real(self.temperature, "temperature"),
            top_p=real(self.top_p, "top-p"),
            seed=whole(self.seed, "seed"),
        )

    @property
    def beside(self) -> tuple[str, ...]:
        """The chosen panes beside Baseline and Steered."""
        return tuple(kind for kind in BESIDE if getattr(self, kind))
