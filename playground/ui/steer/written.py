"""The texts of a visitor in their panes."""

from __future__ import annotations

from collections.abc import Sequence

from playground.services.token_kl import TokenKl
from playground.ui.kit.digits import digits
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import panes
from playground.ui.steer.panes import Pane
from playground.ui.steer.state import SteerState

SIDES = ("baseline", "steered")


def written_panes(visitor: Visitor, colour: bool) -> str:
    """The panes as HTML; one that was not chosen when the texts were generated is empty."""
    state = SteerState.of(visitor)
    shown, written = (*SIDES, *state.beside), state.written
    if written is None:
        return panes.waiting(shown)
    texts = by_pane([row.text for row in written.result.rows], written.kinds, shown)
    made = []
    for kind in shown:
        rows, detail = written.of(kind), ""
        kl: tuple[tuple[TokenKl, ...], ...] = ()
        if rows is not None and kind != SIDES[0]:
            detail = f"norm {digits(written.result.rows[rows][0].norm)}"
            kl = written.kl[rows] if colour and written.kl is not None else ()
        if kind == SIDES[1]:
            detail = " · ".join(part for part in (detail, written.detail) if part)
        made.append(Pane(kind, texts[kind], detail, kl))
    return panes.grid(made, turns=written.request.format.chat)


def by_pane(texts: Sequence[str], kinds: Sequence[str], shown: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The texts of each pane that is shown, from those of all rows; without a mix those of the baseline in each."""
    count = len(texts) // len(kinds)
    found = {kind: tuple(texts[index * count : (index + 1) * count]) for index, kind in enumerate(kinds)}
    missing = found[SIDES[0]] if len(kinds) == 1 else ()
    return {kind: found.get(kind, missing) for kind in shown}
