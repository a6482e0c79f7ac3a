"""Notes on vectors: star, name, note and discard, stored with their set."""

from __future__ import annotations

from dataclasses import replace

from playground.errors import InputError
from playground.library.vector_set import RowNote, VectorSet
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.visitor import Visitor


def keep_note(frame: Frame, visitor: Visitor, name: str, row: int, data: dict[str, str]) -> VectorSet:
    """Apply an `act` event (`data`, from `acted`) to the note of a row, in the library file and in the computed set.

    Returns the set with the new note; a stale event changes nothing. Raises PlaygroundError.
    """
    number = data.get("sequence", "")
    if number.isdecimal() and not visitor.note_events.accept((name, row, data.get("act")), int(number)):
        return frame.any_set(visitor, name)
    note = changed_note(frame.any_set(visitor, name).notes[row], data)
    if visitor.found is not None and name in (NOT_SAVED, visitor.saved_as):
        visitor.found = visitor.found.with_note(row, note)
        visitor.found_number += 1
    return visitor.computed if name == NOT_SAVED else frame.store(visitor).annotate(name, row, note)


def changed_note(note: RowNote, data: dict[str, str]) -> RowNote:
    """A row's note after an `act` event: star, label, note or discard. Raises InputError for another action."""
    value = data.get("value", "")
    if data.get("act") == "star":
        return replace(note, star=value == "true")
    if data.get("act") == "label":
        return replace(note, label=value.strip())
    if data.get("act") == "note":
        return replace(note, note=value.strip())
    if data.get("act") == "discard":
        return replace(note, discarded=value == "true")
    raise InputError(f"Expected a star, label, note or discard, got “{data.get('act')}”; use the controls of the row.")


def row_number(data: dict[str, str], rows: int) -> int:
    """The row that an `act` event is about. Raises InputError when there is no such row."""
    text = data.get("row", "")
    if not text.isdecimal() or int(text) >= rows:
        raise InputError(f"Expected a row from 0 to {rows - 1}, got “{text}”; choose one of the list.")
    return int(text)


def found_name(frame: Frame, visitor: Visitor) -> str:
    """The name of the computed set in pickers: that of its library file, or NOT_SAVED."""
    saved = visitor.saved_as
    return saved if saved is not None and saved in frame.store(visitor).names() else NOT_SAVED
