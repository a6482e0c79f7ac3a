"""Requests of choice measurements: a choice set, vectors and scales, checked when built."""

from __future__ import annotations

from dataclasses import dataclass

from playground.analyses.common.request import OverScales
from playground.library.prompt_set import PromptSet
from playground.limits import check_count, limits


@dataclass(frozen=True, kw_only=True)
class MeasureRequest(OverScales):
    """Request of a choice measurement. `choices` is the whole prompt set, of the kind choices; sets with different
    meanings are never mixed, so there is one. The bootstrap of the intervals is drawn from `seed` too.
    """

    KIND = "choices"

    choices: PromptSet

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = len(self.items) * (len(self.vectors) + self.controls) * len(self.scales)
        check_count(
            "measured numbers (items × (vectors + controls) × scales)", numbers, limits().numbers,
            "ask for fewer vectors, scales or items",
        )  # fmt: skip

    @property
    def asked(self) -> PromptSet:
        return self.choices
