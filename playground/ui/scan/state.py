"""Session state of the Scan tab: the scan that is shown, and where its table stands."""

from __future__ import annotations

from dataclasses import dataclass

from playground.library.vector_set import RowNote
from playground.services.scan import ScanResult
from playground.ui.kit.visitor import Slice

Pin = tuple[str, int | None, int, float, int]
"""A pinned text: hash of the vectors, row, sign, scale and sample; the same for all prompts, in every scan of them."""


@dataclass
class ScanState(Slice):
    """`result` holds the texts that are shown; `first` is the first entry on the page of them."""

    scanning: bool = False
    """Whether a scan is under way, whose texts take the place of any that are shown."""
    result: ScanResult | None = None
    first: int = 0
    discarded: int | None = None
    """The vector that was discarded last, and can be brought back."""
    notes: tuple[RowNote, ...] = ()
    """The notes on vectors that the table was last drawn with."""
    pins: tuple[Pin, ...] = ()
    """The texts that are compared."""
