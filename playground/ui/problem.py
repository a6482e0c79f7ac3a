"""Button “Report a problem”: shows a report on this process, without any text of a visitor, to copy or download."""

from __future__ import annotations

import gradio as gr

from playground.services.bug_report import report
from playground.ui.kit.frame import Frame
from playground.ui.kit.markup import escape
from playground.ui.kit.running import EVENT, quick


def build(frame: Frame, foot: gr.Row) -> None:
    """The button in `foot`, and the box under it."""
    with foot:
        button = gr.Button("Report a problem", elem_id="problem-report", size="sm", elem_classes="sp-link")
    box = gr.HTML("", elem_id="problem")

    @quick
    def on_report(shown: str) -> str:
        return "" if shown else card(report(frame.workbench.loaded))

    button.click(on_report, box, box, **EVENT).then(
        None, None, None, js="() => document.querySelector('.sp-report')?.scrollIntoView({ block: 'end' })", **EVENT
    )


def card(text: str) -> str:
    """The report as HTML, with buttons that copy and download it without a request."""
    return (
        '<div class="sp-card sp-report"><div class="sp-cardhead"><h2>Report of a problem</h2>'
        "<small>versions, kind of model, settings of the last runs of this server, places of errors; no prompts, "
        "names or paths</small>"
        f'<button type="button" class="sp-small" data-copy="{escape(text)}" aria-label="Copy the report">copy</button>'
        f'<button type="button" class="sp-small" data-csv="{escape(text)}" data-name="problem-report.json" '
        f'aria-label="Download the report">download</button></div>'
        f'<pre tabindex="0">{escape(text)}</pre></div>'
    )
