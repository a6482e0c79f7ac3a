"""Layout of the Measure tab: controls on the left, results on the right."""

from __future__ import annotations

import gradio as gr

from playground.analyses.analysis import Analysis
from playground.analyses.registry import analyses
from playground.library import prompts as prompt_sets
from playground.library.vector_set import VectorSet
from playground.limits import at_most, limits
from playground.model.load import LoadedModel
from playground.ui.kit import defaults, markup
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.pick import is_average, row_choices
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import cards, transfer
from playground.ui.measure.components import WAIT_ITEM, MeasureTab
from playground.ui.measure.form import PLACE, suggested_scales
from playground.ui.widgets import page_file, prompt_source
from playground.ui.widgets.page_file import PageFile
from playground.ui.widgets.positions import positions_picker
from playground.ui.widgets.prompt_source import PromptSource

CONTROLS = 4
WAIT_SAVED = "No measurement is kept yet: measure something, give it a name and press Keep, or open a file."


def sets_for(loaded: LoadedModel | None, analysis: Analysis) -> list[str]:
    """Built-in prompt sets that an analysis can ask, those for the loaded model first."""
    sets = prompt_sets.built_in()
    return [name for name in prompt_source.set_names(loaded) if sets[name].kind in analysis.sets]


def usual_set(loaded: LoadedModel | None, analysis: Analysis) -> str | None:
    """The default prompt set of an analysis; None where there is none that it can ask."""
    names = sets_for(loaded, analysis)
    if analysis.first_of is not None:
        names.sort(key=lambda name: prompt_sets.built_in()[name].kind != analysis.first_of)
    usual = prompt_source.default_set(loaded)
    return usual if analysis.over == "mix" and usual in names else next(iter(names), None)


def build(frame: Frame) -> MeasureTab:
    """The components, filled in for the first analysis, the loaded model and the sets there are."""
    loaded = frame.workbench.loaded
    first = next(iter(analyses().values()))
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
                kind = gr.Radio(
                    [each.label for each in analyses().values()], value=first.label, label="Measure",
                    show_label=False, elem_id="measure-kind", elem_classes="sp-inline",
                )
                what = gr.HTML(f'<p class="sp-hint sp-inset">{first.summary}</p>', elem_id="measure-what")
            prompts, mode, system, patterns, prompts_box = _prompts(loaded, first)
            sets, rows, one_set, one_row, many_box, one_box = _vectors(frame)
            scales, unit, scales_box = _scales(frame)
            leaderboard, controls, positions, new_tokens, followed, samples, temperature, seed, more = _more()
            with gr.Row(elem_classes="sp-actions"):
                measure = gr.Button("Measure", variant="primary", elem_id="measure-measure", min_width=120, scale=0)
                hint = gr.HTML("", elem_id="measure-hint", min_width=120, scale=2)
            notice = gr.HTML("", elem_id="measure-notice")
        with gr.Column(scale=8, min_width=330):
            progress = gr.HTML("", elem_id="measure-progress", elem_classes="sp-quiet")
            look, against, look_box = _look()
            figures = cards.build(first)
            with gr.Column(elem_classes="sp-card", elem_id="measure-item-box") as item_box:
                item = board(markup.empty(WAIT_ITEM), elem_id="measure-item")
                items = board("", elem_id="measure-items")
            table = board("", elem_id="measure-table", elem_classes="sp-quiet-card")
            name, keep, download, page, keep_notice, keep_box = _keep()
            repeat = gr.HTML("", elem_id="measure-command")  # of what cannot be kept too
            across = transfer.build(frame)
            with gr.Column(elem_classes="sp-card"):
                gr.HTML('<div class="sp-cardhead"><h2>Kept measurements</h2><small>files beside the sets</small></div>')
                saved = board(markup.empty(WAIT_SAVED), elem_id="measure-saved")
                with gr.Row(elem_classes="sp-tight"):
                    upload = gr.UploadButton(
                        "Open file", elem_id="measure-open-file", file_types=[".json"], min_width=110, scale=0
                    )
                    undo = gr.Button("Undo delete", elem_id="measure-undo", visible=False, min_width=110, scale=0)
    return MeasureTab(
        kind=kind, prompts=prompts, mode=mode, system=system, sets=sets, rows=rows, one_set=one_set, one_row=one_row,
        scales=scales, unit=unit, controls=controls, seed=seed, positions=positions, new_tokens=new_tokens,
        followed=followed, leaderboard=leaderboard, patterns=patterns, samples=samples, temperature=temperature,
        what=what, prompts_box=prompts_box, many_box=many_box, one_box=one_box, scales_box=scales_box, more=more,
        measure=measure, hint=hint, notice=notice, progress=progress, figures=figures, look=look,
        against=against, look_box=look_box, item=item, item_box=item_box, items=items, table=table, name=name,
        keep=keep, download=download, page=page, repeat=repeat, keep_notice=keep_notice, keep_box=keep_box, saved=saved,
        upload=upload, undo=undo, transfer=across,
    )


def _prompts(
    loaded: LoadedModel | None, first: Analysis
) -> tuple[PromptSource, gr.Radio, gr.Textbox, gr.Textbox, gr.Group]:
    """Prompts, format, system prompt, patterns, and the box around them."""
    chosen = usual_set(loaded, first)
    whole = None if chosen is None else prompt_sets.built_in()[chosen]
    with gr.Group(elem_classes="sp-card") as box:
        prompts = prompt_source.build(
            loaded, PLACE, "Items",
            names=sets_for(loaded, first), typed=False, use=first.use,
        )
        with prompts.folded:
            mode, system = prompt_source.build_format(PLACE, whole)
        patterns = gr.Textbox(
            "", label="Patterns", lines=2, max_lines=6, elem_id="measure-patterns", visible=False,
            placeholder="polite=(?i)please|thank",
            info="NAME=REGEX, one a line: what replies are searched for; none for choice items, whose answers are read",
        )
    return prompts, mode, system, patterns, box


def _vectors(frame: Frame) -> tuple[gr.Dropdown, gr.Textbox, gr.Dropdown, gr.Dropdown, gr.Row, gr.Row]:
    """Sets and rows, the set and row of a single vector, and the row of the page around either."""
    blank = Visitor("")
    names = frame.set_choices(blank)
    opening = defaults.opening(frame.workbench.loaded, frame.workbench.store)
    choices = []
    if opening.set_name is not None:
        choices = vector_choices(frame.load_set(blank)(opening.set_name))
    with gr.Group(elem_classes="sp-card"):
        with gr.Row(elem_classes="sp-tight") as many:
            sets = gr.Dropdown(
                names, value=[opening.set_name] if opening.set_name else [], multiselect=True, label="Vector sets",
                elem_id="measure-sets", scale=3, min_width=180, info="one or several",
            )
            rows = gr.Textbox(
                "all", label="Rows", max_lines=1, elem_id="measure-rows", info="all or 0-3",
                min_width=104, placeholder="all, starred, 0-3, mean:0-4",
            )
        with gr.Row(elem_classes="sp-tight", visible=False) as one:
            one_set = gr.Dropdown(
                names, value=opening.set_name, label="Vector set", elem_id="measure-one-set",
                info="whose vector is followed", min_width=150,
            )
            one_row = gr.Dropdown(
                choices, value=str(opening.row) if choices else None, label="Vector", elem_id="measure-one-row",
                info="its row in the set", min_width=150,
            )
    return sets, rows, one_set, one_row, many, one


def vector_choices(vector_set: VectorSet) -> list[tuple[str, str]]:
    """The choices of the picker of a single vector: (label, row)."""
    return [(label, row) for label, row in row_choices(vector_set) if not is_average(row)]


def _scales(frame: Frame) -> tuple[gr.Textbox, gr.Radio, gr.Group]:
    """Scales, unit, and the box around them."""
    loaded = frame.workbench.loaded
    name = defaults.opening(loaded, frame.workbench.store).set_name
    usual_unit, usual_scales = suggested_scales(loaded, None if name is None else frame.load_set(Visitor(""))(name))
    own = limits()
    with gr.Group(elem_classes="sp-card") as box, gr.Row(elem_classes="sp-tight"):
        scales = gr.Textbox(
            usual_scales, label="Scales", max_lines=1, elem_id="measure-scales", min_width=120,
            info=at_most(own.scales),
        )
        unit = gr.Radio(
            list(defaults.UNIT_CHOICES), value=usual_unit, label="Unit", elem_id="measure-unit",
            elem_classes="sp-inline",
        )
    return scales, unit, box


def _more() -> tuple[
    gr.Checkbox, gr.Number, gr.Dropdown, gr.Number, gr.Number, gr.Number, gr.Number, gr.Number, gr.Accordion
]:
    """Leaderboard, random controls, positions, new tokens, tokens followed, samples, temperature, seed, and the
    accordion of them.
    """
    own = limits()
    with gr.Accordion("More", open=False, elem_id="measure-more") as more:
        leaderboard = gr.Checkbox(
            False, label="leaderboard with side effects and coherence", elem_id="measure-leaderboard",
            info="as many random directions as vectors, each judged on neutral prompts too; takes longer",
        )
        controls = gr.Number(
            CONTROLS, label="Random controls", precision=0, minimum=1, maximum=own.measured_vectors,
            elem_id="measure-controls", info=f"of equal norm, always; {at_most(own.measured_vectors)}",
        )
        with gr.Row(elem_classes="sp-tight"):
            positions = positions_picker("measure-positions", "tokens at which the push is added")
            new_tokens = gr.Number(
                48, label="New tokens", precision=0, minimum=1, maximum=own.new_tokens, elem_id="measure-new-tokens",
                visible=False, min_width=110, info=f"room for an answer, {at_most(own.new_tokens)}",
            )
            followed = gr.Number(
                10, label="Tokens followed", precision=0, minimum=1, maximum=own.followed_tokens, visible=False,
                elem_id="measure-followed", min_width=110, info=f"the likeliest, {at_most(own.followed_tokens)}",
            )
            samples = gr.Number(
                1, label="Samples", precision=0, minimum=1, maximum=own.samples, elem_id="measure-samples",
                visible=False, min_width=90, info=f"replies to each item, {at_most(own.samples)}",
            )
            temperature = gr.Number(
                0, label="Temperature", minimum=0, step=0.1, elem_id="measure-temperature", visible=False, min_width=90,
                info="0: the likeliest token",
            )
            seed = gr.Number(
                0, label="Seed", precision=0, minimum=0, elem_id="measure-seed", min_width=90,
                info="of random directions",
            )
    return leaderboard, controls, positions, new_tokens, followed, samples, temperature, seed, more


def _look() -> tuple[gr.Dropdown, gr.Dropdown, gr.Row]:
    """The picker of a vector, that of a measurement drawn beside, and the row of the page around them."""
    with gr.Row(elem_classes="sp-tight sp-card sp-figure", visible=False) as box:
        look = gr.Dropdown(
            [], value=None, label="Look at", elem_id="measure-look", min_width=170, scale=2,
            info="drawn strongest; its items are below",
        )
        against = gr.Dropdown(
            [], value=None, label="Beside", elem_id="measure-against", min_width=170, scale=2,
            info="a kept measurement in the same plot",
        )
    return look, against, box


def _keep() -> tuple[gr.Textbox, gr.Button, gr.DownloadButton, PageFile, gr.HTML, gr.Column]:
    """Name, Keep, download, page, the notice below, and the box around them."""
    with gr.Column(elem_classes="sp-card sp-save") as box:
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            name = gr.Textbox(
                label="Name", elem_id="measure-name", max_lines=1, scale=4, min_width=180,
                info="under which the measurement is kept beside the sets", placeholder="measure first",
            )
            keep = gr.Button("Keep", elem_id="measure-keep", min_width=90, scale=0, interactive=False)
            download = gr.DownloadButton(
                "Download JSON", elem_id="measure-download", min_width=130, scale=0, interactive=False
            )
            page = page_file.build("measure")
        keep_notice = gr.HTML("", elem_id="measure-keep-notice")
    return name, keep, download, page, keep_notice, box

