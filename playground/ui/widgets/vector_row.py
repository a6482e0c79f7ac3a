"""HTML of the head of a vector's row: number, gain, star and name."""

from __future__ import annotations

from playground.library.vector_set import VectorSet
from playground.methods.base.registry import columns
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import escape


def row_values(vector_set: VectorSet) -> list[str]:
    """The method's main value of every row as a short text: gain, displacement, effect left, or else the norm."""
    for column in columns():
        values = vector_set.value(column.name) if column.card else None
        if values is not None:
            return [column.card.format(100 * value if column.percent else value) for value in values.tolist()]
    return [f"norm {digits(value)}" for value in vector_set.native_norms.tolist()]


def row_head(row: int, star: bool, label: str, gain: str) -> str:
    """Number, gain, star and name of a row; star and name send `act` events."""
    pressed = "true" if star else "false"
    return (
        f'<div class="sp-rowhead"><b>{row}</b><span class="sp-gain">{escape(gain)}</span>'
        f'<button type="button" class="sp-star" data-act="star" data-row="{row}" aria-pressed="{pressed}" '
        f'aria-label="Star vector {row}">{"★" if star else "☆"}</button>'
        f'<input class="sp-name" data-act="label" data-row="{row}" value="{escape(label)}" maxlength="120" '
        f'placeholder="name it" aria-label="Name of vector {row}"></div>'
    )
