"""About: what the page is, its keys, versions, and how to cite it."""

from __future__ import annotations

import gradio as gr

from playground.places import citation
from playground.services.bug_report import versions
from playground.ui.kit.markup import escape
from playground.ui.kit.running import EVENT, quick

SHOW_JS = "() => document.querySelector('.sp-about')?.scrollIntoView({ block: 'end' })"
WHAT = (
    "Steering vectors of causal language models: found on this page, added to the residual stream while the model "
    "writes, and judged by what it writes. <b>Power steering</b>: power iteration on the Jacobian from one layer to a "
    "later one. <b>MELBO</b>: vectors that change the later layer most. <b>MELBO-ortho</b>: many orthogonal vectors "
    "with the effect of one. All of it runs on this server; nothing is sent elsewhere."
)
KEYS = (
    ("Tab, Enter", "the first stop leads to the button of the open tab"),
    ("Shift+Enter", "in the prompt: generate"),
    ("← →", "on a slider: a step"),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo and redo of the mix"),
    ("/ j k s n ?", "in the gallery: search, next, previous, star, name, all keys"),
)


def build(foot: gr.Row) -> None:
    """The button in `foot`, and the card under it."""
    with foot:
        button = gr.Button("About", elem_id="about-open", size="sm", elem_classes="sp-link")
    box = gr.HTML("", elem_id="about")

    @quick
    def on_about(shown: str) -> str:
        return "" if shown else card()

    button.click(on_about, box, box, **EVENT).then(None, None, None, js=SHOW_JS, **EVENT)


def card() -> str:
    """What the page is, as HTML."""
    keys = "".join(f"<dt><kbd>{keys}</kbd></dt><dd>{what}</dd>" for keys, what in KEYS)
    packages = " · ".join(f"{escape(name)} {escape(version)}" for name, version in versions().items())
    cited = escape(citation())
    return (
        '<section class="sp-card sp-about" aria-label="About"><div class="sp-cardhead"><h2>About</h2>'
        '<button type="button" class="sp-small" data-guide="again">First minute again</button></div>'
        f"<p>{WHAT}</p><h3>Keys</h3><dl>{keys}</dl><h3>Versions</h3><p>{packages}</p>"
        f'<h3>How to cite</h3><div class="sp-shareline"><pre tabindex="0">{cited}</pre>'
        f'<button type="button" class="sp-small" data-copy="{cited}" aria-label="Copy the citation">copy</button></div>'
        "</section>"
    )
