"""Session state of the Discover tab: chosen method, and texts of the first look."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.methods.base.registry import registered
from playground.model.prompting import PromptFormat
from playground.ui.kit.visitor import Slice


@dataclass
class DiscoverState(Slice):
    """State of one visitor. `texts` are those of the first look at `prompt` by (row, sign), `scales` the norms of the
    pushes.
    """

    method: str = field(default_factory=lambda: next(iter(registered())))
    prompt: str = ""
    format: PromptFormat | None = None
    """None before the first run."""
    scales: dict[tuple[int, int], float] = field(default_factory=dict)
    baseline: str = ""
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
