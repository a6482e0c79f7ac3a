"""Found scales of a set as plain values."""

from __future__ import annotations

from typing import Any

from playground.library.vector_set import VectorSet

SIGNS = (1, -1)


def scales_data(vector_set: VectorSet, rows: tuple[int, ...] | None = None) -> list[dict[str, Any]]:
    """An object for each row and sign that was searched, scales as norms or None."""
    listed = []
    for row in range(vector_set.rows) if rows is None else rows:
        for sign in SIGNS:
            window = vector_set.window(row, sign)
            if window is not None:
                values = {"onset": window.onset, "break": window.break_, "found": window.found}
                listed.append({"row": row, "sign": sign, **values, "tried": window.tried})
    return listed
