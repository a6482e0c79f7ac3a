"""Export of the Library: a vector at a scale, all vectors of a set, or the mix in Steer, as a file of another tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.core.positions import Positions
from playground.errors import InputError
from playground.library.atomic import write_atomically
from playground.library.directions import Directions
from playground.library.exchange import exported, format_of, of_recipe, of_rows
from playground.library.formats.registry import formats
from playground.library.recipe import Recipe
from playground.library.text import shown
from playground.library.vector_set import VectorSet
from playground.model.architecture import architecture_of
from playground.services.command import export_command
from playground.ui.kit import defaults, markup
from playground.ui.kit.downloads import offer
from playground.ui.kit.frame import IN_TURN, Frame
from playground.ui.kit.mix import recipe_of
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.library.state import LibraryState
from playground.ui.widgets.positions import positions_picker

ALL, MIX = "all", "mix"
MOST_NAMED = 200
"""Vectors of a set that the picker lists; of a larger set the others go by a command."""


@dataclass(frozen=True)
class ExportPanel:
    """The components."""

    what: gr.Dropdown
    scale: gr.Textbox
    form: gr.Dropdown
    positions: gr.Dropdown
    make: gr.Button
    file: gr.DownloadButton
    note: gr.HTML

    @property
    def results(self) -> list[Any]:
        """The components that `cleared` and `offered` write to."""
        return [self.what, self.scale, self.file, self.note]

    def offered(self, vector_set: VectorSet) -> dict[Any, Any]:
        """Updates that fill the panel in for a set: its best vector at the scale to begin with."""
        row = defaults.best_row(vector_set)
        named = [(vector_set.label(number), str(number)) for number in range(min(vector_set.rows, MOST_NAMED))]
        choices = [*named, ("all vectors", ALL), ("the mix in Steer", MIX)]
        scale = f"{defaults.usual_scale(vector_set, row):g}r"
        value = str(row) if row < MOST_NAMED else "0"
        return {self.what: gr.update(choices=choices, value=value), self.scale: scale, **self.cleared()}

    def cleared(self) -> dict[Any, Any]:
        """Updates that take back the file of other choices."""
        return {self.file: gr.update(value=None, visible=False), self.note: ""}


def build() -> ExportPanel:
    """The components, folded."""
    known = [(each.label, name) for name, each in formats("directions").items() if each.write is not None]
    with gr.Accordion("Export to other tools", open=False, elem_id="library-export"):
        with gr.Row(elem_classes="sp-tight"):
            what = gr.Dropdown(
                [], label="What", info="one vector, or several", elem_id="library-export-what", min_width=150, scale=2
            )
            scale = gr.Textbox(
                "", label="Scale", info="8, 0.2r, 1f or empty", max_lines=1,
                elem_id="library-export-scale", min_width=140,
            )
            form = gr.Dropdown(
                known, value=known[0][1], label="For", info="the tool that reads it", elem_id="library-export-format",
                min_width=200, scale=2,
            )
        positions = positions_picker("library-export-positions", "tokens at which they are to be added")
        with gr.Row(elem_classes="sp-tight"):
            make = gr.Button("Make the file", elem_id="library-export-make", min_width=110, scale=0)
            file = gr.DownloadButton(
                "Download it", visible=False, elem_id="library-export-file", min_width=110, scale=0
            )
        note = gr.HTML("", elem_id="library-export-note")
    return ExportPanel(what, scale, form, positions, make, file, note)


def wire(frame: Frame, panel: ExportPanel, selected: Callable[[Visitor], str]) -> None:
    """Attach the event handlers. `selected` gives the name of the chosen set."""
    choices = [panel.what, panel.scale, panel.form, panel.positions]
    # A choice that was edited before the click may not take back the file that the click makes: they are handled one
    # after the other, and an edit that arrives after the click is known by its choices.
    in_turn = {**IN_TURN, "concurrency_id": "exports"}

    @long(lambda: panel.note, lambda: {frame.status: frame.status_now()})
    def on_make(
        what: str | None, scale: str, form: str, positions: Positions, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        name = selected(visitor)
        vector_set = frame.store(visitor).load(name)
        recipe = recipe_of(frame.mix_now(visitor), frame.load_set(visitor)) if what == MIX else None
        directions = _directions(frame, visitor, vector_set, recipe, what, scale, positions)
        made = exported(directions, form)
        suffix = format_of(form).suffix
        file = f"{name}{'' if what == ALL else f'-{what}'}{suffix}"
        command = export_command(recipe, name, None if what == ALL else what, scale, form, positions, file)
        LibraryState.of(visitor).exported = (what, scale, form, positions)
        yield {
            panel.file: offer(visitor, file, partial(write_atomically, data=made.data)) | {"visible": True},
            panel.note: markup.notice(" ".join(made.said), "info") + markup.command(command),
        }

    panel.make.click(
        on_make, choices, [panel.file, panel.note, frame.status], **in_turn, **EVENT, **UNCHECKED,
    )  # fmt: skip

    @quick
    def on_change(what: str | None, scale: str, form: str, positions: Positions, request: gr.Request) -> Any:
        # The event of an edit may come after that of the click which it preceded.
        made = LibraryState.of(frame.visitor(request)).exported == (what, scale, form, positions)
        return gr.skip() if made else panel.cleared()

    edited = [panel.what.input, panel.scale.input, panel.form.input, panel.positions.input]
    gr.on(edited, on_change, choices, [panel.file, panel.note], **in_turn, **EVENT, **UNCHECKED)


def _directions(
    frame: Frame, visitor: Visitor, vector_set: VectorSet, recipe: Recipe | None, what: str | None, scale: str,
    positions: Positions,
) -> Directions:  # fmt: skip
    """The vectors that are asked for. Raises InputError for a choice or a scale that is none, and an empty mix."""
    loaded = frame.workbench.loaded
    if loaded is not None and loaded.name == vector_set.origin.model:
        hint = str(getattr(loaded.model.config, "model_type", ""))
    else:
        hint = architecture_of(vector_set.origin.model) or vector_set.origin.model
    if recipe is not None:
        return of_recipe(recipe, frame.load_set(visitor), positions, hint)
    if what == ALL:
        return of_rows(vector_set, range(vector_set.rows), (scale or "").strip(), positions, hint)
    if what is None or not what.isascii() or not what.isdigit() or len(what) > 9:
        raise InputError(f"Expected one of the set's vectors, got {shown(what)}; choose one.")
    return of_rows(vector_set, [int(what)], (scale or "").strip(), positions, hint)
