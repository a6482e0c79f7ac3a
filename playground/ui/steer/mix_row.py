"""Components of one row of the mixer: vector picker, slider, mute, solo, flip and remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.ui.kit.mix import MixRow
from playground.ui.kit.pick import Load
from playground.ui.widgets import vector_controls
from playground.ui.widgets.vector_controls import PickControls


@dataclass(frozen=True)
class MixControls:
    """The components of one row."""

    box: gr.Column
    pick: PickControls
    mute: gr.Checkbox
    solo: gr.Checkbox
    flip: gr.Button
    remove: gr.Button

    @property
    def outputs(self) -> list[Any]:
        """All components that `show` may write to."""
        return [self.box, *self.pick.values, self.mute, self.solo, self.pick.strip]

    def show(self, row: MixRow | None, names: Sequence[str], load: Load, remark: str) -> dict[Any, Any]:
        """Updates that make the components show `row`, or hide them for None. Raises what `load` raises."""
        if row is None:
            return {self.box: gr.update(visible=False)}
        return {
            self.box: gr.update(visible=True),
            **self.pick.show(row, names, load),
            self.pick.strip: row.strip(load, remark),
            self.mute: row.mute,
            self.solo: row.solo,
        }


def build(index: int, start: MixRow, names: Sequence[str], load: Load, remark: str = "") -> MixControls:
    """The components of row `index`; hidden when `start` uses no set."""
    boxes: list[gr.Checkbox] = []
    buttons: list[gr.Button] = []

    def tools() -> None:
        for name in ("mute", "solo"):
            boxes.append(
                gr.Checkbox(
                    getattr(start, name), label=name, elem_id=f"mix-{index}-{name}", min_width=56, scale=0,
                    container=False, interactive=True, elem_classes="sp-mute",
                )
            )
        for name in ("flip", "remove"):
            buttons.append(
                gr.Button(
                    name, elem_id=f"mix-{index}-{name}", size="sm", min_width=26, scale=0,
                    elem_classes=f"sp-link sp-glyph sp-{name}",
                )
            )

    with gr.Column(visible=start.used, elem_classes="sp-mixrow", elem_id=f"mix-{index}") as box:
        pick = vector_controls.build(f"mix-{index}", f"row {index + 1}", start, names, load, tools, remark)
    (mute, solo), (flip, remove) = boxes, buttons
    return MixControls(box, pick, mute, solo, flip, remove)
