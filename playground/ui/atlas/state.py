"""Session state of the Atlas tab: the atlas that is shown, how it is coloured, the chosen cell."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.library.atlas import Atlas, Pair
from playground.ui.kit.visitor import Slice


@dataclass
class AtlasState(Slice):
    """State of one visitor. While a map is computed `gains` holds the values of its pairs so far, and `layers` all its
    layers; `atlas` is the last one that was computed or opened.
    """

    atlas: Atlas | None = None
    gains: dict[Pair, list[float]] = field(default_factory=dict)
    layers: tuple[int, ...] = ()
    cell: Pair | None = None
