"""Finding scales on the command line: the search with its progress, and what is said of its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from playground.cli.terminal import Progress
from playground.errors import Cancelled

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.model.load import LoadedModel
    from playground.services.scales import ScalesRequest

SIGNS = (1, -1)


def found_scales(
    loaded: LoadedModel,
    vector_set: VectorSet,
    request: ScalesRequest,
    progress: Progress,
    stopped: Callable[[], bool],
    keep: Callable[[VectorSet], None] = lambda so_far: None,
) -> VectorSet:
    """The set with found scales; after Ctrl-C with those there are, the same object where that is none."""
    from playground.services.scales import ScalesProgress, find_scales

    def show(event: ScalesProgress) -> None:
        to_go = "" if event.seconds_to_go is None else f" · {event.seconds_to_go:.0f} s to go"
        progress.show(f"scales · {event.share:.0%}{to_go}")

    try:
        return find_scales(loaded, vector_set, request, show, stopped, keep)
    except Cancelled:
        return vector_set


def scales_data(vector_set: VectorSet, rows: tuple[int, ...] | None = None) -> list[dict[str, Any]]:
    """What --json says: an object for each row and sign that was looked at, scales as absolute norms or null."""
    listed = []
    for row in range(vector_set.rows) if rows is None else rows:
        for sign in SIGNS:
            window = vector_set.window(row, sign)
            if window is not None:
                values = {"onset": window.onset, "break": window.break_, "found": window.found}
                listed.append({"row": row, "sign": sign, **values, "tried": window.tried})
    return listed


def scale_text(vector_set: VectorSet, row: int, sign: int) -> str:
    """A row's found scale in one sign for a table, relative to the reference norm: "0.14", "noise", "none", "–"."""
    window = vector_set.window(row, sign)
    if window is None:
        return "–"
    if window.found is None:
        return "noise" if window.noise else "none"
    return f"{window.found / vector_set.origin.residual_norm:.2g}"
