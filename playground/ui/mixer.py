"""The mixer: a fixed pool of rows, each a vector or an average with a slider; rows are shown and hidden one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.ui import defaults, vector_controls
from playground.ui.vector_controls import PickControls
from playground.ui.vector_picker import Pick


@dataclass(frozen=True)
class MixRow(Pick):
    """One row as the page has it: a pick, or nothing when muted."""

    mute: bool = False

    def component(self, load: Callable[[str], VectorSet], mute: bool = True) -> Component | None:
        """What the row adds; None when it is empty or (with `mute`) muted. Raises PlaygroundError."""
        return None if mute and self.mute else super().component(load)

    def strip(self, load: Callable[[str], VectorSet], remark: str = "") -> str:
        """The small print under the slider, also of a row that is muted."""
        pick = Pick(*(getattr(self, field.name) for field in fields(Pick)))
        return pick.strip(load, "muted" if self.mute else remark)


FIELDS = len(fields(MixRow))
"""Values a row has."""


def read(values: Sequence[Any]) -> tuple[MixRow, ...]:
    """Rows from the values of the pool's components, in their order."""
    return tuple(MixRow(*values[start : start + FIELDS]) for start in range(0, len(values), FIELDS))


def opening_mix(start: defaults.Opening) -> list[MixRow]:
    """The rows the page begins with."""
    return [] if start.set_name is None else [MixRow(start.set_name, str(start.row), scale=start.scale)]


def sets_of(mix: Sequence[MixRow]) -> list[str | None]:
    """The set of every row of the pool when it shows `mix`."""
    names = [row.set_name or None for row in mix]
    return [*names, *[None] * (defaults.MIX_ROWS - len(names))]


def recipe_of(rows: Sequence[MixRow], load: Callable[[str], VectorSet]) -> Recipe:
    """What the mix adds: rows at scale 0 add nothing and are left out. Raises PlaygroundError."""
    components = [row.component(load) for row in rows]
    return Recipe(tuple(part for part in components if part is not None and part.amount != 0))


@dataclass(frozen=True)
class MixControls:
    """The Gradio components of one row."""

    box: gr.Column
    pick: PickControls
    mute: gr.Checkbox
    flip: gr.Button
    remove: gr.Button

    @property
    def values(self) -> list[Any]:
        """Inputs in the order of `MixRow`'s fields."""
        return [*self.pick.values, self.mute]

    @property
    def strip(self) -> gr.HTML:
        return self.pick.strip

    def show(self, row: MixRow | None, names: Sequence[str], load: Callable[[str], VectorSet]) -> dict[Any, Any]:
        """Updates that make this row show `row`, or hide it when None."""
        if row is None or not row.used:
            return {
                self.box: gr.update(visible=False),
                self.pick.set_name: gr.update(choices=list(names), value=None),
                self.pick.row: gr.update(value=None),
                self.pick.scale: 0.0,
                self.mute: False,
                self.strip: "",
            }
        return {self.box: gr.update(visible=True), **self.pick.show(row, names, load), self.mute: row.mute}


def build_row(index: int, start: MixRow, names: Sequence[str], load: Callable[[str], VectorSet]) -> MixControls:
    """One row of the pool; hidden when `start` uses no set."""
    made: list[Any] = []

    def tools() -> None:
        made.append(
            gr.Checkbox(
                start.mute, label="mute", elem_id=f"mix-{index}-mute", min_width=62, scale=0, container=False,
                elem_classes="sp-mute",
            )
        )
        for name in ("flip", "remove"):
            made.append(
                gr.Button(
                    name, elem_id=f"mix-{index}-{name}", size="sm", min_width=26, scale=0,
                    elem_classes=f"sp-link sp-glyph sp-{name}",
                )
            )

    with gr.Column(visible=start.used, elem_classes="sp-mixrow", elem_id=f"mix-{index}") as box:
        pick = vector_controls.build(f"mix-{index}", f"row {index + 1}", start, names, load, tools)
    return MixControls(box, pick, *made)
