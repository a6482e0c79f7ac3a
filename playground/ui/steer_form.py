"""What the controls of the Steer tab say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.errors import InputError
from playground.model.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.ui.entered import real, whole
from playground.ui.mixer import MixRow, read


@dataclass(frozen=True)
class SteerForm:
    """The values of the tab's controls, in the order in which the page sends them."""

    prompt: str
    mode: str
    system: str
    positions: str
    first_answer: str
    second_answer: str
    max_new_tokens: float
    temperature: float
    top_p: float
    samples: float
    seed: float
    mix: tuple[MixRow, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Any]) -> SteerForm:
        return cls(*values[:11], mix=read(values[11:]))

    @property
    def format(self) -> PromptFormat:
        if self.mode not in ("chat", "raw"):
            raise InputError(f"Expected the format chat or raw, got “{self.mode}”; choose one of them.")
        chat = self.mode == "chat"
        return PromptFormat(chat=chat, system=(self.system or "").strip() or None if chat else None)

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            max_new_tokens=whole(self.max_new_tokens, "tokens"),
            temperature=real(self.temperature, "temperature"),
            top_p=real(self.top_p, "top-p"),
            seed=whole(self.seed, "seed"),
        )
