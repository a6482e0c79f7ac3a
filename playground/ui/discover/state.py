"""Session state of the Discover tab: chosen method, and the gallery."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.methods.base.registry import registered
from playground.model.prompting import PromptFormat
from playground.services.gallery import Gallery, Signed
from playground.services.strip import Strip
from playground.services.words import SetWords
from playground.ui.kit.visitor import Slice


@dataclass
class DiscoverState(Slice):
    """State of one visitor. `gallery` is written on `prompt`; `strips` are the open ones by row; `names` are suggested
    ones by row, `discarded` the vector that was discarded last; `looks` are texts of the search for scales; `words`
    are those of the vectors, None until they are read.
    """

    method: str = field(default_factory=lambda: next(iter(registered())))
    prompt: str = ""
    format: PromptFormat | None = None
    """None before the first run."""
    gallery: Gallery = field(default_factory=Gallery)
    strips: dict[int, Strip] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    discarded: int | None = None
    looks: dict[Signed, list[str]] = field(default_factory=dict)
    words: SetWords | None = None

    def forget_gallery(self) -> None:
        """Drop the gallery of the run before."""
        self.gallery, self.strips, self.names, self.discarded, self.looks = Gallery(), {}, {}, None, {}
        self.words = None
