"""Session state of the Library tab: the set that is shown."""

from __future__ import annotations

from dataclasses import dataclass

from playground.library.directions import Directions
from playground.services.words import SetWords
from playground.ui.kit.visitor import Slice


@dataclass(frozen=True)
class Incoming:
    """An uploaded file of another tool, by its name, that waits to be taken in."""

    name: str
    directions: Directions


@dataclass
class LibraryState(Slice):
    """`selected` is the set whose details are shown; its page of vectors begins with `first_row`. `words` are those of
    its vectors, None until they are read.
    """

    selected: str | None = None
    selected_shown: str = ""
    """Which version of it the tab was last filled in for."""
    first_row: int = 0
    words: SetWords | None = None
    words_model: int = 0
    """The generation of the model that they were read on."""
    incoming: Incoming | None = None
    exported: tuple[object, ...] | None = None
    """The choices of the file of another tool that was made last."""

    def adopted(self) -> None:
        self.selected_shown = ""

    def select(self, name: str | None) -> None:
        """Choose another set; its vectors are shown from the first one on."""
        self.selected, self.first_row, self.words = name, 0, None
