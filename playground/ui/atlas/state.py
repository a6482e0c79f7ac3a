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

    def show(self, atlas: Atlas) -> None:
        """Take an atlas as the one that is shown."""
        self.atlas, self.cell = atlas, None
        self.layers = tuple(sorted({*atlas.sources, *atlas.targets}))
        self.gains = dict(zip(atlas.places, atlas.singular_values.tolist(), strict=True))
