"""The controls of the Discover tab on the left, what comes of them on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.methods.base.registry import registered
from playground.model.load import LoadedModel
from playground.ui.discover import figures as discover_figures
from playground.ui.discover import first_look
from playground.ui.discover import presets as discover_presets
from playground.ui.discover.figures import Figures
from playground.ui.discover.layers import LayerControls, first_method
from playground.ui.discover.layers import build as build_layers
from playground.ui.discover.settings import Builder, MethodControls
from playground.ui.kit import defaults
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.pick import Pick
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import linearity_panel, prompt_source
from playground.ui.widgets.linearity_panel import LinearityPanel
from playground.ui.widgets.prompt_source import AGAINST, PromptSource


@dataclass
class DiscoverTab:
    """The components other tabs reach for."""

    method: gr.Radio
    what: gr.HTML
    presets: gr.HTML
    prompts: PromptSource
    against_box: gr.Column
    against: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    layers: LayerControls
    methods: tuple[MethodControls, ...]
    goes_on: gr.Row
    continued: gr.Dropdown
    go_on: gr.Button
    seed: gr.Number
    find_scales: gr.Checkbox
    looks: gr.Slider
    read_sinks: gr.Checkbox
    compute: gr.Button
    stop: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    figures: Figures
    look_table: gr.HTML
    name: gr.Textbox
    repeat: gr.HTML
    save_notice: gr.HTML
    download: gr.DownloadButton
    save: gr.Button
    linearity: LinearityPanel

    @property
    def inputs(self) -> list[Any]:
        """In the order of DiscoverForm, without the mixer."""
        return [
            self.method, *self.prompts.inputs, *self.against.inputs, self.mode, self.system, *self.layers.inputs,
            self.seed, self.find_scales, self.looks, self.read_sinks, self.continued,
            *(part for controls in self.methods for part in controls.inputs),
        ]

    def continuable(self, names: Sequence[str], chosen: str | None = None) -> dict[Any, Any]:
        """Updates for the sets that can be continued, if any; `chosen` is selected, None leaves what is."""
        shown = {"choices": list(names)} | ({} if chosen is None else {"value": chosen})
        return {self.goes_on: gr.update(visible=bool(names)), self.continued: gr.update(**shown)}


def build(frame: Frame) -> DiscoverTab:
    """The components, filled in for the loaded model."""
    loaded, parts = frame.workbench.loaded, {}
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
                parts["method"] = gr.Radio(
                    [method.label for method in registered().values()], value=first_method().label,
                    label="Method", elem_id="discover-method",
                    info="the form below shows what applies to it",
                )
                parts["what"] = gr.HTML(discover_presets.explained(first_method()), elem_id="discover-what")
                parts["presets"] = board(discover_presets.presets(first_method()), elem_id="discover-presets")
            _prompts(loaded, parts)
            parts["layers"] = build_layers(loaded)
            _options(frame, parts)
            with gr.Row(elem_classes="sp-actions"):
                parts["compute"] = gr.Button("Compute", variant="primary", elem_id="discover-compute", min_width=120)
                parts["stop"] = gr.Button(
                    "Stop", variant="secondary", elem_id="discover-stop", min_width=80, scale=0
                )
            parts["hint"] = gr.HTML("", elem_id="discover-hint")
            parts["notice"] = gr.HTML("", elem_id="discover-notice")
        with gr.Column(scale=8, min_width=330):
            parts["figures"] = discover_figures.build(first_method())
            parts["progress"] = gr.HTML("", elem_id="discover-progress", elem_classes="sp-quiet")
            _save(parts)
            parts["linearity"] = linearity_panel.build("discover")
            with gr.Column(elem_classes="sp-card"):
                gr.HTML('<div class="sp-cardhead"><h3>First look</h3></div>')
                parts["look_table"] = board(first_look.WAITING, elem_id="discover-looks-table")
    return DiscoverTab(**parts)


def _prompts(loaded: LoadedModel | None, parts: dict[str, Any]) -> None:
    chosen = prompt_source.default_prompts(loaded)
    with gr.Group(elem_classes="sp-card"):
        parts["prompts"] = prompt_source.build(loaded)
        with gr.Row(elem_classes="sp-tight"):
            parts["mode"] = gr.Radio(
                ["chat", "raw"],
                value="chat" if chosen is None or chosen.chat else "raw",
                label="Format",
                elem_id="discover-mode",
                min_width=130,
                info="chat: the model's template",
            )
            parts["system"] = gr.Textbox(
                "" if chosen is None else chosen.system or "",
                label="System prompt",
                lines=1,
                max_lines=4,
                elem_id="discover-system",
                min_width=160,
                scale=2,
                info="Left empty: the template's own.",
            )
    with gr.Column(visible=False, elem_id="discover-against") as against_box, gr.Group(elem_classes="sp-card"):
        parts["against"] = prompt_source.build(
            loaded, AGAINST, "Other side", "prompts that do not show the behaviour; their mean is subtracted"
        )
    parts["against_box"] = against_box


def _options(frame: Frame, parts: dict[str, Any]) -> None:
    """What single methods ask: in sight for the chosen one, and folded away what is rarely changed."""
    blank = Visitor("")
    names, load = frame.set_choices(blank), frame.load_set(blank)
    opening = defaults.opening(frame.workbench.loaded, frame.workbench.store)
    base = Pick(opening.set_name, str(opening.row), scale=opening.scale)
    builders = [Builder(one, base, names, load, one is first_method()) for one in registered().values()]
    for builder in builders:
        builder.basic()
    with gr.Row(elem_classes="sp-tight sp-saverow", visible=False, elem_id="discover-continue-box") as parts["goes_on"]:
        parts["continued"] = gr.Dropdown(
            [], value=None, label="Set to continue", elem_id="discover-continued", scale=4, min_width=160,
            info="with its prompts, layers and base; its settings are filled in",
        )
        parts["go_on"] = gr.Button("Continue", elem_id="discover-continue", min_width=90, scale=0)
    with gr.Accordion("More", open=False, elem_id="discover-more"):
        parts["methods"] = tuple(builder.advanced() for builder in builders)
        with gr.Row(elem_classes="sp-tight"):
            parts["find_scales"] = gr.Checkbox(
                True, label="Find scales", elem_id="discover-find-scales", min_width=150,
                info="looks at texts: where each vector begins to tell, and where text breaks",
            )
            parts["looks"] = gr.Slider(
                0, first_look.MOST_CARDS, 12, step=1, label="First look at", elem_id="discover-looks", buttons=[],
                min_width=150, info="vectors, both signs, at the scales that were found; 0: none",
            )
        with gr.Row(elem_classes="sp-tight"):
            parts["read_sinks"] = gr.Checkbox(
                False, label="Read attention sinks", elem_id="discover-read-sinks", min_width=150,
                info="where all positions are read; as published",
            )
            parts["seed"] = gr.Number(
                0, label="Seed", precision=0, elem_id="discover-seed", min_width=150,
                info="of everything drawn at random",
            )


def _save(parts: dict[str, Any]) -> None:
    with gr.Column(elem_classes="sp-card sp-save"):
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            parts["name"] = gr.Textbox(
                label="Name", elem_id="discover-name", max_lines=1, scale=4, min_width=180,
                info="under which the set is kept in the library", placeholder="compute first",
            )
            parts["save"] = gr.Button(
                "Save to library", elem_id="discover-save", min_width=130, scale=0, interactive=False
            )
            parts["download"] = gr.DownloadButton(
                "Download .safetensors", elem_id="discover-download", min_width=170, scale=0, interactive=False
            )
        parts["save_notice"] = gr.HTML("", elem_id="discover-save-notice")
        parts["repeat"] = gr.HTML("", elem_id="discover-command")
