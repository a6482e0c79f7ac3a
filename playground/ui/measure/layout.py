"""The controls of the Measure tab on the left, what comes of them on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.analyses.analysis import Analysis
from playground.analyses.registry import analyses
from playground.core.push import POSITIONS
from playground.library import prompts as prompt_sets
from playground.model.load import LoadedModel
from playground.ui.kit import defaults, markup
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.pick import is_average, row_choices
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import figures as measure_figures
from playground.ui.measure.figures import MeasureFigures
from playground.ui.measure.form import PLACE, begin_with
from playground.ui.widgets import prompt_source
from playground.ui.widgets.prompt_source import PromptSource

CONTROLS = 4
WAIT_ITEM = "Click a point or a row below: the item's text, and what the model says there, come here."
BESIDE = "a kept measurement in the same plot"
WAIT_SAVED = "No measurement is kept yet: measure something, give it a name and press Keep, or open a file."


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
    positions: gr.Radio
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
    stop: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    figures: MeasureFigures
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
    repeat: gr.HTML
    keep_notice: gr.HTML
    keep_box: gr.Column
    saved: gr.HTML
    upload: gr.UploadButton
    undo: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """In the order of MeasureForm."""
        return [
            self.kind, *self.prompts.inputs, self.mode, self.system, self.sets, self.rows, self.one_set, self.one_row,
            self.scales, self.unit, self.controls, self.seed, self.positions, self.new_tokens, self.followed,
            self.leaderboard, self.patterns, self.samples, self.temperature,
        ]

    @property
    def form(self) -> list[Any]:
        """What choosing another kind of measurement may change among the controls."""
        boxes = [self.what, self.prompts_box, self.many_box, self.one_box, self.scales_box, self.more]
        more = [self.new_tokens, self.followed, self.leaderboard, self.samples, self.temperature]
        return [*self.prompts.outputs, self.mode, self.system, *boxes, self.patterns, *more]

    @property
    def results(self) -> list[Any]:
        """What a measurement is shown in."""
        return [
            self.progress, *self.figures.outputs, self.look, self.against, self.look_box, self.item, self.item_box,
            self.items, self.table, self.name, self.keep, self.download, self.repeat, self.keep_notice,
            self.keep_box,
        ]

    def cleared(self, analysis: Analysis) -> dict[Any, Any]:
        """Updates that wait for a result of an analysis."""
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


def sets_for(loaded: LoadedModel | None, analysis: Analysis) -> list[str]:
    """Built-in prompt sets that an analysis can ask, those for the loaded model first."""
    sets = prompt_sets.built_in()
    return [name for name in prompt_source.set_names(loaded) if sets[name].kind in analysis.sets]


def usual_set(loaded: LoadedModel | None, analysis: Analysis) -> str | None:
    """The set to begin with."""
    names = sets_for(loaded, analysis)
    if analysis.first_of is not None:
        names.sort(key=lambda name: prompt_sets.built_in()[name].kind != analysis.first_of)
    usual = prompt_source.default_set(loaded)
    return usual if analysis.over == "mix" and usual in names else next(iter(names), None)


def applies(tab: MeasureTab, analysis: Analysis) -> dict[Any, Any]:
    """Which of the controls an analysis asks for."""
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


def build(frame: Frame) -> MeasureTab:
    """The components, filled in for the first analysis, the loaded model and the sets there are."""
    loaded, parts = frame.workbench.loaded, {}
    first = next(iter(analyses().values()))
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
                parts["kind"] = gr.Radio(
                    [each.label for each in analyses().values()], value=first.label, label="Measure",
                    elem_id="measure-kind", info="the form below shows what applies to it",
                )
                parts["what"] = gr.HTML(f'<p class="sp-hint sp-inset">{first.summary}</p>', elem_id="measure-what")
            _prompts(loaded, first, parts)
            _vectors(frame, parts)
            _scales(frame, parts)
            _more(parts)
            with gr.Row(elem_classes="sp-actions"):
                parts["measure"] = gr.Button("Measure", variant="primary", elem_id="measure-measure", min_width=120)
                parts["stop"] = gr.Button(
                    "Stop", variant="secondary", elem_id="measure-stop", min_width=80, scale=0
                )
            parts["hint"] = gr.HTML("", elem_id="measure-hint")
            parts["notice"] = gr.HTML("", elem_id="measure-notice")
        with gr.Column(scale=8, min_width=330):
            parts["progress"] = gr.HTML("", elem_id="measure-progress", elem_classes="sp-quiet")
            _look(parts)
            parts["figures"] = measure_figures.build(first)
            with gr.Column(elem_classes="sp-card", elem_id="measure-item-box") as item_box:
                parts["item"] = board(markup.empty(WAIT_ITEM), elem_id="measure-item")
                parts["items"] = board("", elem_id="measure-items")
            parts["item_box"] = item_box
            parts["table"] = board("", elem_id="measure-table", elem_classes="sp-quiet-card")
            _keep(parts)
            with gr.Column(elem_classes="sp-card"):
                gr.HTML('<div class="sp-cardhead"><h3>Kept measurements</h3><small>files beside the sets</small></div>')
                parts["saved"] = board(markup.empty(WAIT_SAVED), elem_id="measure-saved")
                with gr.Row(elem_classes="sp-tight"):
                    parts["upload"] = gr.UploadButton(
                        "Open file", elem_id="measure-open-file", file_types=[".json"], min_width=110, scale=0
                    )
                    parts["undo"] = gr.Button(
                        "Undo delete", elem_id="measure-undo", visible=False, min_width=110, scale=0
                    )
    return MeasureTab(**parts)


def _prompts(loaded: LoadedModel | None, first: Analysis, parts: dict[str, Any]) -> None:
    chosen = usual_set(loaded, first)
    whole = None if chosen is None else prompt_sets.built_in()[chosen]
    with gr.Group(elem_classes="sp-card") as box:
        parts["prompts"] = prompt_source.build(
            loaded, PLACE, "Items", "what the model is asked", "all of them for what you publish",
            names=sets_for(loaded, first), typed=False, use=first.use,
        )
        with gr.Row(elem_classes="sp-tight"):
            parts["mode"] = gr.Radio(
                ["chat", "raw"], value="chat" if whole is None or whole.chat else "raw", label="Format",
                elem_id="measure-mode", min_width=130, info="chat: the model's template",
            )
            parts["system"] = gr.Textbox(
                "" if whole is None else whole.system or "", label="System prompt", lines=1, max_lines=4,
                elem_id="measure-system", min_width=160, scale=2, info="Left empty: the template's own.",
            )
        parts["patterns"] = gr.Textbox(
            "", label="Patterns", lines=2, max_lines=6, elem_id="measure-patterns", visible=False,
            placeholder="polite=(?i)please|thank",
            info="NAME=REGEX, one a line: what replies are searched for; none for choice items, whose answers are read",
        )
    parts["prompts_box"] = box


def _vectors(frame: Frame, parts: dict[str, Any]) -> None:
    blank = Visitor("")
    names = frame.set_choices(blank)
    opening = defaults.opening(frame.workbench.loaded, frame.workbench.store)
    rows = []
    if opening.set_name is not None:
        rows = vector_choices(frame.load_set(blank)(opening.set_name))
    with gr.Group(elem_classes="sp-card"):
        with gr.Row(elem_classes="sp-tight") as many:
            parts["sets"] = gr.Dropdown(
                names, value=[opening.set_name] if opening.set_name else [], multiselect=True, label="Vector sets",
                elem_id="measure-sets", info="one or several, measured side by side", scale=3, min_width=180,
            )
            parts["rows"] = gr.Textbox(
                "all", label="Rows", max_lines=1, elem_id="measure-rows", info="all, starred, 0-3, mean:0-4",
                min_width=110, placeholder="all",
            )
        with gr.Row(elem_classes="sp-tight", visible=False) as one:
            parts["one_set"] = gr.Dropdown(
                names, value=opening.set_name, label="Vector set", elem_id="measure-one-set",
                info="whose vector is followed", min_width=150,
            )
            parts["one_row"] = gr.Dropdown(
                rows, value=str(opening.row) if rows else None, label="Vector", elem_id="measure-one-row",
                info="its row in the set", min_width=150,
            )
    parts["many_box"], parts["one_box"] = many, one


def vector_choices(vector_set: Any) -> list[tuple[str, str]]:
    """What the picker of a single vector offers."""
    return [(said, row) for said, row in row_choices(vector_set) if not is_average(row)]


def _scales(frame: Frame, parts: dict[str, Any]) -> None:
    loaded = frame.workbench.loaded
    name = defaults.opening(loaded, frame.workbench.store).set_name
    unit, scales = begin_with(loaded, None if name is None else frame.load_set(Visitor(""))(name))
    with gr.Group(elem_classes="sp-card") as box:
        with gr.Row(elem_classes="sp-tight"):
            parts["scales"] = gr.Textbox(
                scales, label="Scales", max_lines=2, elem_id="measure-scales", scale=3, min_width=180,
                info="in the unit below; negative ones turn the vector around",
            )
            parts["controls"] = gr.Number(
                CONTROLS, label="Random controls", precision=0, minimum=1, elem_id="measure-controls", min_width=130,
                info="of equal norm, always",
            )
        parts["unit"] = gr.Radio(
            list(defaults.UNIT_CHOICES), value=unit, label="Unit", elem_id="measure-unit", min_width=150,
            info="times the found scale or the reference norm, or a norm",
        )
    parts["scales_box"] = box


def _more(parts: dict[str, Any]) -> None:
    with gr.Accordion("More", open=False, elem_id="measure-more") as more:
        parts["leaderboard"] = gr.Checkbox(
            False, label="leaderboard with side effects and coherence", elem_id="measure-leaderboard",
            info="as many random directions as vectors, each judged on neutral prompts too; takes longer",
        )
        with gr.Row(elem_classes="sp-tight"):
            parts["positions"] = gr.Radio(
                list(POSITIONS), value="all", label="Positions", elem_id="measure-positions", min_width=200, scale=2,
                info="tokens at which the push is added",
            )
            parts["new_tokens"] = gr.Number(
                48, label="New tokens", precision=0, minimum=1, elem_id="measure-new-tokens", visible=False,
                min_width=110, info="room for an answer",
            )
            parts["followed"] = gr.Number(
                10, label="Tokens followed", precision=0, minimum=1, elem_id="measure-followed", visible=False,
                min_width=110, info="the likeliest at any scale",
            )
            parts["samples"] = gr.Number(
                1, label="Samples", precision=0, minimum=1, elem_id="measure-samples", visible=False, min_width=90,
                info="replies to each item",
            )
            parts["temperature"] = gr.Number(
                0, label="Temperature", minimum=0, step=0.1, elem_id="measure-temperature", visible=False, min_width=90,
                info="0: the likeliest token",
            )
            parts["seed"] = gr.Number(
                0, label="Seed", precision=0, minimum=0, elem_id="measure-seed", min_width=90,
                info="of random directions",
            )
    parts["more"] = more


def _look(parts: dict[str, Any]) -> None:
    with gr.Row(elem_classes="sp-tight sp-card sp-figure", visible=False) as box:
        parts["look"] = gr.Dropdown(
            [], value=None, label="Look at", elem_id="measure-look", min_width=170, scale=2,
            info="drawn strongest; its items are below",
        )
        parts["against"] = gr.Dropdown(
            [], value=None, label="Beside", elem_id="measure-against", min_width=170, scale=2,
            info=BESIDE,
        )
    parts["look_box"] = box


def _keep(parts: dict[str, Any]) -> None:
    with gr.Column(elem_classes="sp-card sp-save") as box:
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            parts["name"] = gr.Textbox(
                label="Name", elem_id="measure-name", max_lines=1, scale=4, min_width=180,
                info="under which the measurement is kept beside the sets", placeholder="measure first",
            )
            parts["keep"] = gr.Button("Keep", elem_id="measure-keep", min_width=90, scale=0, interactive=False)
            parts["download"] = gr.DownloadButton(
                "Download JSON", elem_id="measure-download", min_width=130, scale=0, interactive=False
            )
        parts["keep_notice"] = gr.HTML("", elem_id="measure-keep-notice")
    parts["keep_box"] = box
    parts["repeat"] = gr.HTML("", elem_id="measure-command")  # of what cannot be kept too
