"""Notes on vectors: star, name, note and discard, kept in the set that has them."""

from __future__ import annotations

from dataclasses import replace

from playground.errors import InputError
from playground.library.vector_set import RowNote, VectorSet
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.visitor import Visitor


def keep_note(frame: Frame, visitor: Visitor, name: str, row: int, said: dict[str, str]) -> VectorSet:
    """Changes the note of a row as an `act` event says, wherever the set is kept: in its file, and in what was
    computed. Returns the set as it is now, unchanged by what was said before something that is known already. Raises
    PlaygroundError.
    """
    number = said.get("word", "")
    if number.isdecimal() and not visitor.noted.takes((name, row, said.get("act")), int(number)):
        return frame.any_set(visitor, name)
    note = changed_note(frame.any_set(visitor, name).notes[row], said)
    computed = visitor.found is not None and name in (NOT_SAVED, visitor.saved_as)
    if computed:
        visitor.found = visitor.found.with_note(row, note)
        visitor.found_number += 1
    return visitor.found if name == NOT_SAVED else frame.workbench.store.annotate(name, row, note)


def changed_note(note: RowNote, said: dict[str, str]) -> RowNote:
    """A row's note after an `act` event: star, label, note or discard. Raises InputError for another action."""
    value = said.get("value", "")
    if said.get("act") == "star":
        return replace(note, star=value == "true")
    if said.get("act") == "label":
        return replace(note, label=value.strip())
    if said.get("act") == "note":
        return replace(note, note=value.strip())
    if said.get("act") == "discard":
        return replace(note, discarded=value == "true")
    raise InputError(f"Expected a star, label, note or discard, got “{said.get('act')}”; use the controls of the row.")


def row_number(said: dict[str, str], rows: int) -> int:
    """The row an `act` event is about. Raises InputError when there is no such row."""
    text = said.get("row", "")
    if not text.isdecimal() or int(text) >= rows:
        raise InputError(f"Expected a row from 0 to {rows - 1}, got “{text}”; choose one of the list.")
    return int(text)


def found_name(frame: Frame, visitor: Visitor) -> str:
    """The name under which what was computed stands in pickers: that of its file, once it is saved."""
    saved = visitor.saved_as
    return saved if saved is not None and saved in frame.workbench.store.names() else NOT_SAVED
