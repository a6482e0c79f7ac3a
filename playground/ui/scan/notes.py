"""Notes on scanned vectors (name, star, discard), read from the set that was scanned and written to it."""

from __future__ import annotations

from playground.errors import FileError, InputError, PlaygroundError
from playground.library.vector_set import RowNote, VectorSet, vectors_hash
from playground.services.scan import ScanResult
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.notes import found_name, keep_note, row_number
from playground.ui.kit.visitor import Visitor
from playground.ui.scan.state import ScanState


def scanned(visitor: Visitor) -> ScanResult:
    """The scan that is shown. Raises InputError while there is none."""
    state = ScanState.of(visitor)
    if state.result is None:
        raise InputError("Expected the texts of a scan, got none; press Scan first.")
    return state.result


def set_now(frame: Frame, visitor: Visitor) -> VectorSet:
    """The scanned set as it is now. Raises FileError when it is gone, or when other vectors have its name."""
    result = scanned(visitor)
    vector_set = frame.any_set(visitor, name_now(frame, visitor))
    if vectors_hash(vector_set) != result.set_hash:
        raise FileError(
            f"Expected the vectors that were scanned, got others under the name {result.request.source}; scan again."
        )
    return vector_set


def name_now(frame: Frame, visitor: Visitor) -> str:
    """The name of the scanned set now: a computed set may have been saved since."""
    source = scanned(visitor).request.source
    return found_name(frame, visitor) if source == NOT_SAVED else source


def noted_now(frame: Frame, visitor: Visitor) -> tuple[tuple[RowNote, ...], bool]:
    """The notes on the scanned vectors, and whether they can be changed: when the set is gone, they are those in the
    file of the scan, and cannot.
    """
    try:
        return set_now(frame, visitor).notes, True
    except PlaygroundError:
        return scanned(visitor).notes, False


def notes_now(frame: Frame, visitor: Visitor) -> tuple[RowNote, ...]:
    """The notes on the scanned vectors."""
    return noted_now(frame, visitor)[0]


def note(frame: Frame, visitor: Visitor, action: dict[str, str]) -> int:
    """Writes the star, name or discard of an event to the set. Returns the vector's row. Raises PlaygroundError."""
    row = row_number(action, set_now(frame, visitor).rows)
    keep_note(frame, visitor, name_now(frame, visitor), row, action)
    return row
