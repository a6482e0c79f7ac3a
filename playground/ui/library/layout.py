"""Layout of the Library tab: the list of sets on the left, the chosen set on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.library.formats.registry import formats
from playground.ui.kit import markup
from playground.ui.kit.frame import Frame, board
from playground.ui.library import band_panel, export, incoming, tables
from playground.ui.library.band_panel import BandPanel
from playground.ui.library.export import ExportPanel
from playground.ui.library.incoming import IncomingPanel
from playground.ui.widgets import linearity_panel
from playground.ui.widgets.linearity_panel import LinearityPanel

UPLOADED = list(dict.fromkeys([*formats("vectors"), *(each.suffix for each in formats("directions").values())]))
"""Suffixes of files that are taken in."""
PRIVATE = "yours are seen by you alone, and gone ten minutes after you leave: download what you want to keep"
"""What a public page says of the library."""


@dataclass
class LibraryTab:
    """The components of the tab."""

    sets: gr.HTML
    upload: gr.UploadButton
    undo: gr.Button
    notice: gr.HTML
    incoming: IncomingPanel
    export: ExportPanel
    title: gr.HTML
    tools: gr.Column
    name: gr.Textbox
    description: gr.Textbox
    open: gr.Button
    rename: gr.Button
    delete: gr.Button
    download: gr.DownloadButton
    words: gr.Button
    lens: gr.UploadButton
    words_notice: gr.HTML
    rows: gr.HTML
    details: gr.HTML
    linearity: LinearityPanel
    band: BandPanel


def build(frame: Frame) -> LibraryTab:
    """The components, with the list filled in."""
    store, loaded = frame.workbench.store, frame.workbench.loaded
    entries = store.list()
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=6, min_width=330, elem_classes="sp-controls"):
            with gr.Column(elem_classes="sp-card"):
                where = "files in the library’s folder" if frame.private is None else PRIVATE
                gr.HTML(f'<div class="sp-cardhead"><h2>Sets</h2><small>{where}</small></div>')
                sets = board(
                    tables.sets(entries, None, None if loaded is None else loaded.name), elem_id="library-sets"
                )
            with gr.Row(elem_classes="sp-actions"):
                open_button = gr.Button(
                    "Open in Steer", variant="primary", elem_id="library-open", min_width=130, interactive=False
                )
                upload = gr.UploadButton(
                    "Upload", elem_id="library-upload", file_types=UPLOADED, min_width=100, scale=0
                )
                undo = gr.Button("Undo", elem_id="library-undo", visible=False, min_width=110, scale=0)
            notice = gr.HTML("", elem_id="library-notice")
            incoming_panel = incoming.build()
        with gr.Column(scale=7, min_width=330), gr.Column(elem_classes="sp-card"):
            title = gr.HTML(markup.empty(tables.CHOOSE if entries else tables.NO_SETS), elem_id="library-title")
            with gr.Column(visible=False, elem_id="library-tools") as tools:
                with gr.Row(elem_classes="sp-tight sp-saverow"):
                    name = gr.Textbox(
                        label="Name",
                        info="also the name of its file",
                        elem_id="library-name",
                        max_lines=1,
                        scale=4,
                        min_width=170,
                    )
                    rename = gr.Button("Rename", elem_id="library-rename", min_width=80, scale=0)
                    download = gr.DownloadButton("Download", elem_id="library-download", min_width=95, scale=0)
                    delete = gr.Button("Delete", elem_id="library-delete", min_width=80, scale=0)
                description = gr.Textbox(
                    label="Description",
                    info="what it is good for; kept in the file",
                    elem_id="library-description",
                    max_lines=3,
                )
                with gr.Row(elem_classes="sp-tight"):
                    words = gr.Button("Read words", elem_id="library-words", size="sm", min_width=110, scale=0)
                    lens = gr.UploadButton(
                        "Read words through a lens (.pt)", elem_id="library-lens", file_types=[".pt"], size="sm",
                        min_width=210, scale=0, visible=not frame.workbench.public,  # of strangers no .pt is read
                    )
                    words_notice = gr.HTML("", elem_id="library-words-notice", min_width=120)
                measured = linearity_panel.build("library")
                band = band_panel.build(loaded)
                export_panel = export.build()
                rows = board("", elem_id="library-rows")
                with gr.Accordion("Where it comes from", open=True, elem_id="library-origin"):
                    details = gr.HTML("", elem_id="library-details")
    return LibraryTab(
        sets, upload, undo, notice, incoming_panel, export_panel, title, tools, name, description, open_button, rename,
        delete, download, words, lens, words_notice, rows, details, measured, band,
    )


def outputs(tab: LibraryTab) -> list[Any]:
    """The components that change when another set is chosen."""
    return [
        tab.sets, tab.undo, tab.title, tab.tools, tab.name, tab.description, tab.open, tab.download,
        tab.words, tab.lens, tab.rows, tab.details, *tab.export.results, *tab.band.outputs,
    ]
