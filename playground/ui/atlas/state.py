"""Session state of the Atlas tab: the atlas that is shown, how it is coloured, the chosen cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playground.library.atlas import Atlas, Pair
from playground.services.atlas.colours import Colour, colours_of
from playground.services.atlas.difference import PairDifference, difference_colours
from playground.services.gallery import Gallery
from playground.services.job import Job
from playground.services.words import SetWords
from playground.ui.kit.visitor import Slice


@dataclass(frozen=True)
class CellTexts:
    """First texts of a cell's vectors on a prompt at a relative scale, and their words once read."""

    prompt: str
    scale: float
    gallery: Gallery
    words: SetWords | None = None


@dataclass
class AtlasState(Slice):
    """State of one visitor. While a map is computed `gains` holds the values of its pairs so far, and `layers` all its
    layers; `atlas` is the last one that was computed or opened.
    """

    atlas: Atlas | None = None
    gains: dict[Pair, list[float]] = field(default_factory=dict)
    layers: tuple[int, ...] = ()
    cell: Pair | None = None
    coloured: dict[str, dict[Pair, float]] = field(default_factory=dict)
    """Values of the atlas by colour, as far as they were asked for."""
    texts: dict[Pair, CellTexts] = field(default_factory=dict)
    """First texts of the cells that were clicked."""
    reading: Job[Any] | None = None
    """The job that writes those of the chosen cell."""
    changes: dict[Pair, PairDifference] = field(default_factory=dict)
    """Difference of another model's atlas from this one, by pair; empty while none is compared."""

    @property
    def colours(self) -> dict[str, Colour]:
        """Colours of the atlas that is shown, by name; those of a comparison first."""
        return (difference_colours(self.changes) if self.changes else {}) | colours_of(self.atlas)

    def values(self, colour: str) -> dict[Pair, float]:
        """Values of the atlas that is shown, in one of its colours."""
        assert self.atlas is not None
        if colour not in self.coloured:
            self.coloured[colour] = self.colours[colour].of(self.atlas)
        return self.coloured[colour]

    def show(self, atlas: Atlas) -> None:
        """Take an atlas as the one that is shown."""
        self.renew(atlas)
        self.cell, self.texts, self.changes = None, {}, {}
        self.layers = tuple(sorted({*atlas.sources, *atlas.targets}))
        self.gains = dict(zip(atlas.places, atlas.singular_values.tolist(), strict=True))

    def renew(self, atlas: Atlas) -> None:
        """Take the atlas that is shown with other effects; the chosen cell stays."""
        self.atlas, self.coloured = atlas, {}

    def compare(self, changes: dict[Pair, PairDifference]) -> None:
        """Take the difference of another atlas from the one that is shown; {}: none."""
        self.changes, self.coloured = changes, {}
