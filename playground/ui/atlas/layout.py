"""Components of the Atlas tab: prompts and size of the map on the left, the map and the chosen cell on the right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.limits import limits
from playground.services.atlas.colours import COLOURS, Colour
from playground.services.atlas.effects import usual_scale
from playground.services.atlas.request import USUAL_VECTORS
from playground.ui.atlas import cell, map
from playground.ui.atlas.files import atlas_names, opening_atlas, other_choices
from playground.ui.atlas.form import PLACE
from playground.ui.atlas.state import AtlasState
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.markup import escape
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import prompt_source
from playground.ui.widgets.prompt_source import PromptSource

WHAT = (
    "The leading directions of every pair of layers at once. A large gain is no large effect: what a cell does is seen "
    "in its texts."
)
COMPARE = (
    "The atlas of a copy of this model, trained further say, on the same prompts and tokens: two more colours show "
    "where the two differ."
)


@dataclass
class AtlasTab:
    """The components that have event handlers or updates."""

    kept: gr.Dropdown
    upload: gr.File
    other: gr.Dropdown
    other_upload: gr.File
    other_notice: gr.HTML
    compared: gr.HTML
    prompts: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    vectors: gr.Slider
    tokens: gr.Slider
    step: gr.Slider
    compute: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    colour: gr.Dropdown
    about: gr.HTML
    map: gr.HTML
    cell: gr.HTML
    repeat: gr.HTML
    effects: gr.Button
    effect_scale: gr.Number
    keep: gr.Button
    download: gr.DownloadButton

    @property
    def inputs(self) -> list[Any]:
        """The components whose values are those of AtlasForm, in its order."""
        return [*self.prompts.inputs, self.mode, self.system, self.vectors, self.tokens, self.step]

    @property
    def shown(self) -> list[Any]:
        """What an atlas that is computed or opened is shown in."""
        return [
            self.map, self.colour, self.about, self.effects, self.cell, self.repeat, self.keep, self.download,
            self.progress, self.notice, self.other, self.other_notice, self.compared,
        ]  # fmt: skip


def build(frame: Frame) -> AtlasTab:
    """The components, filled in for the loaded model."""
    loaded = frame.workbench.loaded
    blank = Visitor("")
    names, opening = atlas_names(frame, blank), opening_atlas(frame, blank)
    state = AtlasState()
    if opening is not None:
        state.show(opening)
    first = next(iter(state.colours))
    chosen = prompt_source.default_prompts(loaded)
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
                gr.HTML(f'<p class="sp-hint sp-inset">{WHAT}</p>')
                kept = gr.Dropdown(
                    names, value=None if opening is None else opening.name, label="Open an atlas", elem_id="atlas-kept",
                    visible=bool(names),
                    info="of the loaded model; those that ship, and those kept in the library",
                )
            with gr.Accordion("Compare with another model", open=False, elem_id="atlas-compare"):
                gr.HTML(f'<p class="sp-hint">{COMPARE}</p>')
                others = other_choices(frame, blank, opening)
                other = gr.Dropdown(
                    others, value="", label="Its atlas in the library", elem_id="atlas-other", visible=len(others) > 1,
                    info="atlases of models with as many blocks of the same width",
                )
                other_upload = gr.File(
                    label="Its atlas as a file: .atlas.safetensors", file_types=[".safetensors"],
                    elem_id="atlas-other-upload", height=110,
                )
                other_notice = gr.HTML("", elem_id="atlas-other-notice")
            with gr.Group(elem_classes="sp-card"):
                prompts = prompt_source.build(loaded, PLACE, use=1)
                with prompts.folded:
                    mode, system = prompt_source.build_format(PLACE, chosen)
            with gr.Group(elem_classes="sp-card"), gr.Row(elem_classes="sp-tight"):
                slim: dict[str, Any] = {"step": 1, "buttons": [], "min_width": 200, "elem_classes": "sp-slim"}
                vectors = gr.Slider(
                    1, 16, USUAL_VECTORS, label="Vectors", elem_id="atlas-vectors", **slim
                )
                tokens = gr.Slider(1, 16, 2, label="Last tokens", elem_id="atlas-tokens", **slim)
                step = gr.Slider(1, 8, 1, label="Every … layer", elem_id="atlas-step", **slim)
            with gr.Accordion("More", open=False, elem_id="atlas-more"):
                upload = gr.File(
                    label="Open a file: .atlas.safetensors", file_types=[".safetensors"], elem_id="atlas-upload",
                    height=110,
                )
            with gr.Row(elem_classes="sp-actions"):
                compute = gr.Button("Compute", variant="primary", elem_id="atlas-compute", min_width=120, scale=0)
                hint = gr.HTML("", elem_id="atlas-hint", min_width=120, scale=2)
            notice = gr.HTML("", elem_id="atlas-notice")
        with gr.Column(scale=8, min_width=330):
            with gr.Column(elem_classes="sp-card"):
                colour = gr.Dropdown(
                    choices(state.colours), value=first, label="Coloured by", elem_id="atlas-colour", filterable=False,
                    elem_classes="sp-beside",
                )
                about = gr.HTML(explained(first, state.colours), elem_id="atlas-about")
                drawn = map.board(map.drawn(state, first))
                compared = gr.HTML("", elem_id="atlas-compared")
            said = "" if opening is None else map.about(opening)
            progress = gr.HTML(said, elem_id="atlas-progress", elem_classes="sp-quiet")
            with gr.Column(elem_classes="sp-card"):
                chosen_cell = board(cell.WAITING, elem_id="atlas-cell")
            with gr.Row(elem_classes="sp-tight sp-saverow"):
                effects = gr.Button(
                    "Measure KL at r =", elem_id="atlas-effects", interactive=opening is not None, size="sm", scale=0
                )
                effect_scale = gr.Number(
                    usual_scale(loaded), label="Relative scale of the effect", elem_id="atlas-effect-scale",
                    minimum=0.001, maximum=limits().effect_scale, min_width=80, scale=0, container=False,
                    show_label=False,
                )
                keep = gr.Button(
                    "Keep in the library", elem_id="atlas-keep", interactive=False, size="sm", scale=0,
                    visible=not frame.workbench.public,  # where visitors have no library that lasts
                )
                download = gr.DownloadButton(
                    "Download .safetensors", elem_id="atlas-download", interactive=False, size="sm", scale=0
                )
            repeat = gr.HTML("", elem_id="atlas-command")
    return AtlasTab(
        kept=kept, upload=upload, other=other, other_upload=other_upload, other_notice=other_notice,
        compared=compared, prompts=prompts, mode=mode, system=system, vectors=vectors, tokens=tokens, step=step,
        compute=compute, hint=hint, notice=notice, progress=progress, colour=colour, about=about, map=drawn,
        cell=chosen_cell, repeat=repeat, keep=keep, download=download, effects=effects, effect_scale=effect_scale,
    )


def choices(colours: Mapping[str, Colour]) -> list[tuple[str, str]]:
    """Colours as (label, name)."""
    return [(each.title, name) for name, each in colours.items()]


def explained(colour: str, colours: Mapping[str, Colour] = COLOURS) -> str:
    """What the cells are coloured by, as HTML."""
    return f'<p class="sp-hint">{escape(colours[colour if colour in colours else map.GAIN].explained)}</p>'
