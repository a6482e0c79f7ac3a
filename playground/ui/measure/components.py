"""Components of the Measure tab: the form, the results, and which of the form an analysis uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.analyses.analysis import Analysis
from playground.ui.kit import markup
from playground.ui.measure.cards import PlotCards
from playground.ui.measure.transfer import TransferPanel
from playground.ui.widgets.page_file import PageFile
from playground.ui.widgets.prompt_source import PromptSource

WAIT_ITEM = "Click a point or a row below: the item's text, and what the model says there, come here."


@dataclass
class MeasureTab:
    """The components, those of the form first and in the order of MeasureForm."""

    kind: gr.Radio
    prompts: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    sets: gr.Dropdown
    rows: gr.Textbox
    one_set: gr.Dropdown
    one_row: gr.Dropdown
    scales: gr.Textbox
    unit: gr.Radio
    controls: gr.Number
    seed: gr.Number
    positions: gr.Dropdown
    new_tokens: gr.Number
    followed: gr.Number
    leaderboard: gr.Checkbox
    patterns: gr.Textbox
    samples: gr.Number
    temperature: gr.Number
    what: gr.HTML
    prompts_box: gr.Group
    many_box: gr.Row
    one_box: gr.Row
    scales_box: gr.Group
    more: gr.Accordion
    measure: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    figures: PlotCards
    look: gr.Dropdown
    against: gr.Dropdown
    look_box: gr.Row
    item: gr.HTML
    item_box: gr.Column
    items: gr.HTML
    table: gr.HTML
    name: gr.Textbox
    keep: gr.Button
    download: gr.DownloadButton
    page: PageFile
    repeat: gr.HTML
    keep_notice: gr.HTML
    keep_box: gr.Column
    saved: gr.HTML
    upload: gr.UploadButton
    undo: gr.Button
    transfer: TransferPanel

    @property
    def inputs(self) -> list[Any]:
        """The components of the form, in the order of MeasureForm."""
        return [
            self.kind, *self.prompts.inputs, self.mode, self.system, self.sets, self.rows, self.one_set, self.one_row,
            self.scales, self.unit, self.controls, self.seed, self.positions, self.new_tokens, self.followed,
            self.leaderboard, self.patterns, self.samples, self.temperature,
        ]

    @property
    def form(self) -> list[Any]:
        """The controls that another kind of measurement may change."""
        boxes = [self.what, self.prompts_box, self.many_box, self.one_box, self.scales_box, self.more]
        more = [self.new_tokens, self.followed, self.leaderboard, self.samples, self.temperature]
        return [*self.prompts.outputs, self.mode, self.system, *boxes, self.patterns, *more]

    @property
    def results(self) -> list[Any]:
        """The components that show a measurement."""
        return [
            self.progress, *self.figures.outputs, self.look, self.against, self.look_box, self.item, self.item_box,
            self.items, self.table, self.name, self.keep, self.download, self.repeat, self.keep_notice,
            self.keep_box,
        ]

    def cleared(self, analysis: Analysis) -> dict[Any, Any]:
        """Updates that show no result, for an analysis."""
        return {
            **self.figures.empty(analysis),
            self.progress: "",
            self.look: gr.update(choices=[], value=None),
            self.look_box: gr.update(visible=False),
            self.item: markup.empty(WAIT_ITEM),
            self.item_box: gr.update(visible=analysis.over == "scales"),
            self.items: "",
            self.table: "",
            self.name: "",
            self.keep: gr.update(interactive=False),
            self.download: gr.update(value=None, interactive=False),
            self.repeat: "",
            self.keep_notice: "",
            self.keep_box: gr.update(visible=analysis.over != "sets"),
        }


def applies(tab: MeasureTab, analysis: Analysis) -> dict[Any, Any]:
    """Updates that show the controls an analysis uses, and hide the others."""
    mix, asks, samples = analysis.over == "mix", analysis.over != "sets", analysis.takes("samples")
    return {
        tab.what: f'<p class="sp-hint sp-inset">{markup.escape(analysis.summary)}</p>',
        tab.prompts_box: gr.update(visible=asks),
        tab.many_box: gr.update(visible=not mix),
        tab.one_box: gr.update(visible=mix),
        tab.scales_box: gr.update(visible=asks),
        tab.more: gr.update(visible=asks),
        tab.new_tokens: gr.update(visible=analysis.generates),
        tab.patterns: gr.update(visible=analysis.takes("patterns")),
        tab.samples: gr.update(visible=samples),
        tab.temperature: gr.update(visible=samples),
        tab.followed: gr.update(visible=analysis.takes("tokens")),
        tab.leaderboard: gr.update(visible=analysis.leaderboard),
    }
