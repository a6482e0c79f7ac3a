"""Session state of the Library tab: the set that is shown."""

from __future__ import annotations

from dataclasses import dataclass

from playground.ui.kit.visitor import Slice


@dataclass
class LibraryState(Slice):
    """`selected` is the set whose details are shown; its page of vectors begins with `first_row`."""

    selected: str | None = None
    selected_shown: str = ""
    """Which version of it the tab was last filled in for."""
    first_row: int = 0

    def select(self, name: str | None) -> None:
        """Choose another set; its vectors are shown from the first one on."""
        self.selected, self.first_row = name, 0
