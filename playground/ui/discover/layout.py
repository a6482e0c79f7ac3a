"""Components of the Discover tab: controls on the left, results on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from playground.methods.base.registry import registered
from playground.model.load import LoadedModel
from playground.ui.discover import figures as discover_figures
from playground.ui.discover import presets as discover_presets
from playground.ui.discover.figures import Figures
from playground.ui.discover.layers import LayerControls, first_method
from playground.ui.discover.layers import build as build_layers
from playground.ui.discover.settings import Builder, MethodControls
from playground.ui.kit import defaults
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.pick import Pick
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import gallery as gallery_widget
from playground.ui.widgets import linearity_panel, prompt_source
from playground.ui.widgets.linearity_panel import LinearityPanel
from playground.ui.widgets.prompt_source import AGAINST, PromptSource


@dataclass
class DiscoverTab:
    """The components that have event handlers or updates."""

    method: gr.Radio
    about: gr.HTML
    presets: gr.HTML
    prompts: PromptSource
    against_box: gr.Column
    against: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    layers: LayerControls
    methods: tuple[MethodControls, ...]
    continue_box: gr.Row
    continued: gr.Dropdown
    continue_button: gr.Button
    seed: gr.Number
    find_scales: gr.Checkbox
    write_gallery: gr.Checkbox
    read_sinks: gr.Checkbox
    compute: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    figures: Figures
    gallery: gr.HTML
    name: gr.Textbox
    repeat: gr.HTML
    save_notice: gr.HTML
    download: gr.DownloadButton
    save: gr.Button
    linearity: LinearityPanel

    @property
    def inputs(self) -> list[Any]:
        """The components whose values are those of DiscoverForm, in its order, without the mix."""
        return [
            self.method, *self.prompts.inputs, *self.against.inputs, self.mode, self.system, *self.layers.inputs,
            self.seed, self.find_scales, self.write_gallery, self.read_sinks, self.continued,
            *(part for controls in self.methods for part in controls.inputs),
        ]

    def continuable(self, names: Sequence[str], chosen: str | None = None) -> dict[Any, Any]:
        """Updates for the sets that can be continued, if any; `chosen` is selected, None keeps the selection."""
        picker = gr.update(choices=list(names))
        picker |= {} if chosen is None else {"value": chosen}
        return {self.continue_box: gr.update(visible=bool(names)), self.continued: picker}


class PromptControls(NamedTuple):
    """Prompts and their format; `against` is the second list, for methods that need one."""

    prompts: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    against_box: gr.Column
    against: PromptSource


class Options(NamedTuple):
    """Settings of the methods, and of the run."""

    methods: tuple[MethodControls, ...]
    continue_box: gr.Row
    continued: gr.Dropdown
    continue_button: gr.Button
    find_scales: gr.Checkbox
    write_gallery: gr.Checkbox
    read_sinks: gr.Checkbox
    seed: gr.Number


class SaveControls(NamedTuple):
    """Name, save, download, and the command that repeats the run."""

    name: gr.Textbox
    save: gr.Button
    download: gr.DownloadButton
    notice: gr.HTML
    repeat: gr.HTML


def build(frame: Frame) -> DiscoverTab:
    """The components, filled in for the loaded model and the library."""
    loaded = frame.workbench.loaded
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
                method = gr.Radio(
                    [method.label for method in registered().values()], value=first_method().label,
                    label="Method", show_label=False, elem_id="discover-method", elem_classes="sp-inline",
                )
                about = gr.HTML(discover_presets.explained(first_method()), elem_id="discover-what")
                presets = board(discover_presets.presets(first_method()), elem_id="discover-presets")
            prompts = _prompts(loaded)
            layers = build_layers(loaded)
            options = _options(frame)
            with gr.Row(elem_classes="sp-actions"):
                compute = gr.Button("Compute", variant="primary", elem_id="discover-compute", min_width=120, scale=0)
                hint = gr.HTML("", elem_id="discover-hint", min_width=120, scale=2)
            notice = gr.HTML("", elem_id="discover-notice")
        with gr.Column(scale=8, min_width=330):
            figures = discover_figures.build(first_method())
            progress = gr.HTML("", elem_id="discover-progress", elem_classes="sp-quiet")
            with gr.Column(elem_classes="sp-card"):
                saving = _save()
                gallery = gallery_widget.board("discover-gallery")
            linearity = linearity_panel.build("discover")
    return DiscoverTab(
        method=method, about=about, presets=presets, prompts=prompts.prompts, against_box=prompts.against_box,
        against=prompts.against, mode=prompts.mode, system=prompts.system, layers=layers, methods=options.methods,
        continue_box=options.continue_box, continued=options.continued, continue_button=options.continue_button,
        seed=options.seed, find_scales=options.find_scales, write_gallery=options.write_gallery,
        read_sinks=options.read_sinks, compute=compute, hint=hint, notice=notice, progress=progress,
        figures=figures, gallery=gallery, name=saving.name, repeat=saving.repeat, save_notice=saving.notice,
        download=saving.download, save=saving.save, linearity=linearity,
    )


def _prompts(loaded: LoadedModel | None) -> PromptControls:
    chosen = prompt_source.default_prompts(loaded)
    with gr.Group(elem_classes="sp-card"):
        prompts = prompt_source.build(loaded)
        with prompts.folded:
            mode, system = prompt_source.build_format("discover", chosen)
    with gr.Column(visible=False, elem_id="discover-against") as against_box, gr.Group(elem_classes="sp-card"):
        against = prompt_source.build(
            loaded, AGAINST, "Other side, without the behaviour; its mean is subtracted"
        )
    return PromptControls(prompts, mode, system, against_box, against)


def _options(frame: Frame) -> Options:
    """The basic settings of the chosen method, and in a closed accordion its advanced ones and those of the run."""
    blank = Visitor("")
    names, load = frame.set_choices(blank), frame.load_set(blank)
    opening = defaults.opening(frame.workbench.loaded, frame.workbench.store)
    base = Pick(opening.set_name, str(opening.row), scale=opening.scale)
    builders = [Builder(one, base, names, load, one is first_method()) for one in registered().values()]
    for builder in builders:
        builder.basic()
    with gr.Row(elem_classes="sp-tight sp-saverow", visible=False, elem_id="discover-continue-box") as continue_box:
        continued = gr.Dropdown(
            [], value=None, label="Set to continue", elem_id="discover-continued", scale=4, min_width=160,
            info="with its prompts, layers and base; its settings are filled in",
        )
        continue_button = gr.Button("Continue", elem_id="discover-continue", min_width=90, scale=0)
    with gr.Accordion("More", open=False, elem_id="discover-more"):
        methods = tuple(builder.advanced() for builder in builders)
        with gr.Row(elem_classes="sp-tight"):
            find_scales = gr.Checkbox(
                True, label="Find scales", elem_id="discover-find-scales", min_width=150,
                info="looks at texts: where each vector begins to tell, and where text breaks",
            )
            write_gallery = gr.Checkbox(
                True, label="Write the gallery", elem_id="discover-write-gallery", min_width=150,
                info="a text for every vector in both signs, at the scales that were found",
            )
        with gr.Row(elem_classes="sp-tight"):
            read_sinks = gr.Checkbox(
                False, label="Read attention sinks", elem_id="discover-read-sinks", min_width=150,
                info="where all positions are read; as published",
            )
            seed = gr.Number(
                0, label="Seed", precision=0, elem_id="discover-seed", min_width=150,
                info="of everything drawn at random",
            )
    return Options(methods, continue_box, continued, continue_button, find_scales, write_gallery, read_sinks, seed)


def _save() -> SaveControls:
    with gr.Row(elem_classes="sp-tight sp-gallerybar"):
        gr.HTML('<div class="sp-cardhead"><h2>Gallery</h2></div>', min_width=70)
        name = gr.Textbox(
            label="Name of the set", show_label=False, container=False, elem_id="discover-name", max_lines=1, scale=4,
            min_width=200, placeholder="name of the set",
        )
        save = gr.Button("Save", elem_id="discover-save", size="sm", min_width=80, scale=0, interactive=False)
        download = gr.DownloadButton(
            "Download .safetensors", elem_id="discover-download", size="sm", min_width=150, scale=0, interactive=False
        )
    notice = gr.HTML("", elem_id="discover-save-notice")
    repeat = gr.HTML("", elem_id="discover-command")
    return SaveControls(name, save, download, notice, repeat)
