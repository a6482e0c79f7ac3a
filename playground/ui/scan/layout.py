"""Layout of the Scan tab: controls on the left, texts on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.limits import at_most, limits
from playground.ui.kit import defaults
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.visitor import Visitor
from playground.ui.scan import table as scan_table
from playground.ui.scan.form import PLACE, SIGN_CHOICES, suggested_scales
from playground.ui.scan.limits import FIELDS
from playground.ui.scan.view import ALL_GROUPS, SORTS, ScanView
from playground.ui.widgets import page_file, prompt_source
from playground.ui.widgets.page_file import PageFile
from playground.ui.widgets.positions import positions_picker
from playground.ui.widgets.prompt_source import PromptSource

PROMPTS = 2
"""Prompts by default: the effect of a vector on one of them may be chance."""
"""As many as Steer shows side by side."""


@dataclass
class ScanTab:
    """The components of the tab."""

    set_name: gr.Dropdown
    rows: gr.Textbox
    signs: gr.Radio
    scales: gr.Textbox
    unit: gr.Radio
    prompts: PromptSource
    mode: gr.Radio
    system: gr.Textbox
    samples: gr.Slider
    tokens: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    seed: gr.Number
    positions: gr.Dropdown
    scan: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    open: gr.UploadButton
    json: gr.DownloadButton
    csv: gr.DownloadButton
    page: PageFile
    sort: gr.Dropdown
    group: gr.Dropdown
    contains: gr.Textbox
    hide_noise: gr.Checkbox
    hide_discarded: gr.Checkbox
    starred_only: gr.Checkbox
    group_alike: gr.Checkbox
    limits: tuple[gr.Textbox, ...]
    table: gr.HTML
    repeat: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        """The components of the form, in the order of ScanForm."""
        return [
            self.set_name, self.rows, self.signs, self.scales, self.unit, *self.prompts.inputs, self.mode, self.system,
            self.samples, self.tokens, self.temperature, self.top_p, self.seed, self.positions,
        ]

    @property
    def view(self) -> list[Any]:
        """The components of the view, in the order of ScanView."""
        return [
            self.sort, self.hide_noise, self.hide_discarded, self.starred_only, self.group_alike, self.group,
            self.contains, *self.limits,
        ]

    def empty(self) -> dict[Any, Any]:
        """Updates that show no scan."""
        return {
            self.table: scan_table.WAITING,
            self.group: gr.update(choices=[("all groups", ALL_GROUPS)], value=ALL_GROUPS),
            self.json: gr.update(value=None, interactive=False),
            self.csv: gr.update(value=None, interactive=False),
            self.progress: "",
            self.repeat: "",
            self.notice: "",
        }


def build(frame: Frame) -> ScanTab:
    """The components, filled in for the loaded model."""
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            set_name, rows, scales, unit, signs = _vectors(frame)
            prompts, mode, system = _prompts(frame)
            tokens, samples, temperature, top_p, seed, positions = _sampling()
            with gr.Row(elem_classes="sp-actions"):
                scan = gr.Button("Scan", variant="primary", elem_id="scan-run", min_width=120, scale=0)
                hint = gr.HTML("", elem_id="scan-hint", min_width=120, scale=2)
            notice = gr.HTML("", elem_id="scan-notice")
        with gr.Column(scale=8, min_width=330), gr.Column(elem_classes="sp-card"):
            open_file, json, csv, page = _files()
            progress = gr.HTML("", elem_id="scan-progress", elem_classes="sp-quiet")
            sort, group, contains = _filters()
            group_alike, hide_noise, hide_discarded, starred_only = _checks()
            limits = _limits()
            table = board(scan_table.WAITING, elem_id="scan-table")
            repeat = gr.HTML("", elem_id="scan-command")
    return ScanTab(
        set_name=set_name, rows=rows, signs=signs, scales=scales, unit=unit, prompts=prompts, mode=mode, system=system,
        samples=samples, tokens=tokens, temperature=temperature, top_p=top_p, seed=seed, positions=positions, scan=scan,
        hint=hint, notice=notice, progress=progress, open=open_file, json=json, csv=csv, page=page,
        sort=sort, group=group, contains=contains, hide_noise=hide_noise, hide_discarded=hide_discarded,
        starred_only=starred_only, group_alike=group_alike, limits=limits, table=table, repeat=repeat,
    )


def _vectors(frame: Frame) -> tuple[gr.Dropdown, gr.Textbox, gr.Textbox, gr.Radio, gr.Radio]:
    """Set, rows, scales, unit and signs."""
    loaded, visitor = frame.workbench.loaded, Visitor("")
    names = frame.set_choices(visitor)
    opening = defaults.opening(loaded, frame.workbench.store)
    chosen = None if opening.set_name is None else frame.load_set(visitor)(opening.set_name)
    usual_unit, usual_scales = suggested_scales(loaded, chosen)
    with gr.Group(elem_classes="sp-card"):
        set_name = gr.Dropdown(names, value=opening.set_name, label="Set of vectors", elem_id="scan-set")
        with gr.Row(elem_classes="sp-tight"):
            rows = gr.Textbox(
                "all", label="Vectors", elem_id="scan-rows", max_lines=1, min_width=130,
                info="all, starred, 0-11, 0,3,7",
            )
            scales = gr.Textbox(
                usual_scales, label="Scales", elem_id="scan-scales", max_lines=1, min_width=130,
                info=f"above 0, {at_most(limits().scan_scales)}",
            )
        unit = gr.Radio(
            list(defaults.UNIT_CHOICES), value=usual_unit, label="Unit", elem_id="scan-unit", elem_classes="sp-inline",
        )
        signs = gr.Radio(
            list(SIGN_CHOICES), value="both", label="Signs", elem_id="scan-signs", elem_classes="sp-inline",
        )
    return set_name, rows, scales, unit, signs


def _prompts(frame: Frame) -> tuple[PromptSource, gr.Radio, gr.Textbox]:
    """Prompts, format and system prompt."""
    loaded = frame.workbench.loaded
    chosen = prompt_source.default_prompts(loaded)
    with gr.Group(elem_classes="sp-card"):
        prompts = prompt_source.build(loaded, PLACE, use=PROMPTS)
        with prompts.folded, gr.Row(elem_classes="sp-tight"):
            mode = gr.Radio(
                ["chat", "raw"], value="chat" if chosen is None or chosen.chat else "raw", label="Format",
                elem_id="scan-mode", scale=3, min_width=150, info="chat: its template",
            )
            system = gr.Textbox(
                "" if chosen is None else chosen.system or "", label="System prompt", lines=1, max_lines=4,
                elem_id="scan-system", min_width=160, scale=4, info="Left empty: the template's own.",
            )
    return prompts, mode, system


def _sampling() -> tuple[gr.Slider, gr.Slider, gr.Slider, gr.Slider, gr.Number, gr.Dropdown]:
    """Length, samples, temperature, top-p, seed and positions."""
    longest, most = defaults.longest(), defaults.most_samples()
    with gr.Accordion("Sampling", open=False, elem_id="scan-sampling"):
        with gr.Row(elem_classes="sp-tight"):
            tokens = gr.Slider(
                1, longest, defaults.MAX_NEW_TOKENS, step=1, label="Length", info=f"new tokens, {at_most(longest)}",
                elem_id="scan-tokens", min_width=140, buttons=[],
            )
            samples = gr.Slider(
                1, most, 1, step=1, label="Samples", info=f"texts a cell, {at_most(most)}; needs a temperature",
                elem_id="scan-samples", min_width=140, buttons=[],
            )
        with gr.Row(elem_classes="sp-tight"):
            temperature = gr.Slider(
                0, 2, 0.0, step=0.05, label="Temperature", info="0 is greedy; 0.7 shows the spread",
                elem_id="scan-temperature", min_width=140, buttons=[],
            )
            top_p = gr.Slider(
                0.05, 1, 1.0, step=0.05, label="Top-p", info="share of probability kept", elem_id="scan-top-p",
                min_width=140, buttons=[],
            )
        seed = gr.Number(0, label="Seed", info="same seed, same texts", precision=0, elem_id="scan-seed")
        positions = positions_picker(
            "scan-positions", "tokens at which it is added; generated ones leave the next token, and so KL, as it is"
        )
    return tokens, samples, temperature, top_p, seed, positions


def _files() -> tuple[gr.UploadButton, gr.DownloadButton, gr.DownloadButton, PageFile]:
    """The buttons that open a scan, and download it as JSON, as CSV and as a page."""
    with gr.Row(elem_classes="sp-tight sp-saverow"):
        gr.HTML('<div class="sp-cardhead"><h2>Texts</h2></div>', min_width=60)
        open_file = gr.UploadButton(
            "Open JSON", elem_id="scan-open", file_types=[".json"], min_width=84, scale=0, size="sm"
        )
        json = gr.DownloadButton(
            "Download JSON", elem_id="scan-json", min_width=112, scale=0, size="sm", interactive=False
        )
        csv = gr.DownloadButton(
            "Download CSV", elem_id="scan-csv", min_width=112, scale=0, size="sm", interactive=False
        )
        page = page_file.build("scan")
    return open_file, json, csv, page


def _filters() -> tuple[gr.Dropdown, gr.Dropdown, gr.Textbox]:
    """Order, group and search text of the table."""
    with gr.Row(elem_classes="sp-tight"):
        sort = gr.Dropdown(
            [(label, key) for key, label in SORTS.items()], value=ScanView().sort, label="Sort by", elem_id="scan-sort",
            min_width=210, info="effect: change, then KL",
        )
        group = gr.Dropdown(
            [("all groups", ALL_GROUPS)], value=ALL_GROUPS, label="Group", elem_id="scan-group", min_width=150,
            info="texts that say alike",
        )
        contains = gr.Textbox(
            "", label="Text contains", elem_id="scan-contains", max_lines=1, min_width=120, info="of the steered text"
        )
    return sort, group, contains


def _checks() -> tuple[gr.Checkbox, gr.Checkbox, gr.Checkbox, gr.Checkbox]:
    """Check boxes: similar texts together, hide noise, hide discarded, starred only."""

    def box(label: str, on: bool) -> gr.Checkbox:
        return gr.Checkbox(
            on, label=label, elem_id=f"scan-{label.replace(' ', '-')}", container=False, scale=0, min_width=110,
            elem_classes="sp-mute",
        )

    usual = ScanView()
    with gr.Row(elem_classes="sp-tight sp-checks"):
        return (
            box("similar texts together", usual.group_alike), box("hide noise", usual.hide_noise),
            box("hide discarded", usual.hide_discarded), box("starred only", usual.starred_only),
        )


def _limits() -> tuple[gr.Textbox, ...]:
    """Fields of limits, folded: most people read the table first, and a folded part costs the page nothing."""
    with (
        gr.Accordion("Filter by KL, change, repetition and perplexity", open=False, elem_id="scan-limits"),
        gr.Row(elem_classes="sp-tight"),
    ):
        return tuple(
            gr.Textbox(
                "", label=label, info=unit, placeholder="no limit", elem_id=f"scan-limit-{name}", max_lines=1,
                max_length=20, min_width=130,
            )
            for name, label, unit in FIELDS
        )
