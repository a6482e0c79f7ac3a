"""Session state of the Discover tab: the chosen method and the texts of the first look."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.model.prompting import PromptFormat
from playground.ui.kit.visitor import Slice


@dataclass
class DiscoverState(Slice):
    """`texts` and `scales` of the first look by (row, sign): what a push of that norm made of `prompt`."""

    method: str = "power"
    prompt: str = ""
    format: PromptFormat | None = None
    scales: dict[tuple[int, int], float] = field(default_factory=dict)
    baseline: str = ""
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
