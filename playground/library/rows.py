"""Rows of a vector set as typed: all, starred, kept, ranges and numbers."""

from __future__ import annotations

from playground.errors import InputError
from playground.library.text import shown
from playground.library.vector_set import VectorSet

MAX_NAMED = 24
"""Vectors that a warning names one by one."""
MAX_TYPED = 10_000
"""Characters: room for two thousand numbers; more are a range, or all."""
ROWS_FORM = "all, starred, kept (what is not discarded), a range like 0-11, or numbers like 0,3,7"


def read_rows(text: str, vector_set: VectorSet) -> tuple[int, ...] | None:
    """Rows as typed (ROWS_FORM); None for all. Raises InputError for what is none of these, and for none at all."""
    check_typed(text)
    wanted = text.strip().lower()
    if wanted in ("", "all"):
        return None
    called = vector_set.name or "the set"
    if wanted in ("starred", "kept"):
        notes = enumerate(vector_set.notes)
        rows = [row for row, note in notes if (note.star if wanted == "starred" else not note.discarded)]
        if not rows:
            raise InputError(f"Expected {wanted} vectors in {called}, got none; write {ROWS_FORM}.")
        return tuple(rows)
    rows = []
    for part in wanted.replace(",", " ").split():
        first, dash, last = part.replace("–", "-").partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) <= 9 for end in ends) or int(ends[0]) > int(ends[1]):
            raise InputError(f"Expected vectors as {ROWS_FORM}, got {shown(part)}; write one of these.")
        for end in ends:
            if int(end) >= vector_set.rows:
                raise InputError(
                    f"Expected vectors of {called} from 0 to {vector_set.rows - 1}, got {int(end)}; choose vectors "
                    "that it has."
                )
        rows += range(int(ends[0]), int(ends[1]) + 1)
    return tuple(dict.fromkeys(rows))


def check_typed(text: str) -> None:
    """Raises InputError for more than anyone types."""
    if len(text) > MAX_TYPED:
        raise InputError(
            f"Expected vectors in at most {MAX_TYPED} characters, got {len(text)}; write ranges like 0-500, or all."
        )


def check_rows(vector_set: VectorSet, rows: tuple[int, ...] | None) -> tuple[int, ...]:
    """The rows asked for, all of them when that is None. Raises InputError for none, and for one that is not there."""
    if rows is None:
        return tuple(range(vector_set.rows))
    if not rows or not all(0 <= row < vector_set.rows for row in rows):
        raise InputError(
            f"Expected rows of “{vector_set.name}” from 0 to {vector_set.rows - 1}, got {list(rows)}; choose some of "
            "its rows."
        )
    return tuple(rows)
