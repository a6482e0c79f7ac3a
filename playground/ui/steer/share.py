"""The panel of Share: link, command line, transformers script, and a card as Markdown and picture."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.services import card as cards
from playground.services.command import generate_command
from playground.services.link import fragment
from playground.services.script import transformers_script
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.markup import escape, notice
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.address import link_of, model_name
from playground.ui.steer.form import SteerForm
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.state import SteerState
from playground.ui.steer.texts import request_of

PAGE_JS = "(_, ...values) => [location.origin + location.pathname, ...values]"
"""JavaScript that gives the address of the page as the first input."""
SCRIPT = "steered.py"
_PAGE = re.compile(r"https?://[\w.:\[\]-]{1,200}(/[\w./~-]{0,200})?", re.ASCII)


def wire(
    frame: Frame, tab: SteerTab, form_of: Callable[[gr.Request, Sequence[Any]], tuple[Visitor, SteerForm]]
) -> None:
    """Attach the event handlers."""

    @quick
    def on_share(request: gr.Request, page: Any, *values: Any) -> str:
        return panel(frame, *form_of(request, values), address_of_page(page))

    tab.share.click(on_share, [frame.address, *tab.inputs], tab.shared, js=PAGE_JS, **EVENT, **UNCHECKED)
    tab.shared.act(lambda: "", None, tab.shared, queue=False, **EVENT)


def address_of_page(page: object) -> str:
    """The address that links begin with: of a Space the page that people know. Raises InputError for what is none."""
    if space := os.environ.get("SPACE_ID"):
        return f"https://huggingface.co/spaces/{space}"
    if not isinstance(page, str) or _PAGE.fullmatch(page) is None:
        raise InputError("Expected the address of this page from the browser, got something else; reload the page.")
    return page


def panel(frame: Frame, visitor: Visitor, form: SteerForm, page: str) -> str:
    """The panel as HTML, for what Steer shows. Raises PlaygroundError for a form that generates nothing."""
    loaded, load = frame.loaded, frame.load_set(visitor)
    request, _ = request_of(form, load)
    saved = all(part.source != NOT_SAVED for recipe in request.recipes for part in recipe.components)
    command = generate_command(request, loaded) if saved else ""
    link = ""
    too_long = ""
    if saved:
        try:
            link = f"{page}#{fragment('steer', link_of(frame, visitor, form))}"
        except InputError as error:
            too_long = str(error)
    unsaved = "Save the set in Discover first: nobody else has its vectors."
    script = transformers_script(loaded, request, load, command)
    parts = [
        _part("Link", "this state of the page, for whoever has the same sets", _copied("link", link))
        if link
        else _part("Link", "", notice(too_long or unsaved, "info")),
        _part("Command line", "the same texts from a terminal", _copied("command line", command))
        if command
        else _part("Command line", "", notice(unsaved, "info")),
        _part("Python script", "transformers alone, vectors inside, the same tokens", _script(script)),
        _part("Card", "prompt, both texts, scale, model and command", _card(frame, visitor, form, command, link)),
    ]
    return (
        '<section class="sp-sharing" aria-label="Share"><header><h3>Share</h3><span>as it is now</span>'
        '<button type="button" class="sp-small" data-act="close" aria-label="Close Share">close</button></header>'
        f"{''.join(parts)}</section>"
    )


def _part(title: str, about: str, body: str) -> str:
    kind = title.lower().replace(" ", "-")
    return f'<div class="sp-sharepart" id="share-{kind}"><h4>{title}</h4><small>{about}</small>{body}</div>'


def _button(label: str, data: str) -> str:
    return f'<button type="button" class="sp-small" {data}>{label}</button>'


def _copied(what: str, text: str) -> str:
    copy = _button("copy", f'data-copy="{escape(text)}" aria-label="Copy the {what}"')
    return f'<div class="sp-shareline"><code tabindex="0">{escape(text)}</code>{copy}</div>'


def _script(script: str) -> str:
    buttons = _button("copy", f'data-copy="{escape(script)}" aria-label="Copy the script"')
    buttons += _button(
        "download", f'data-csv="{escape(script)}" data-name="{SCRIPT}" aria-label="Download the script"'
    )
    return (
        f'<div class="sp-shareline"><details><summary>{SCRIPT} · {len(script) / 1000:.3g} kB</summary>'
        f'<pre tabindex="0">{escape(script)}</pre></details>{buttons}</div>'
    )


def _card(frame: Frame, visitor: Visitor, form: SteerForm, command: str, link: str) -> str:
    written, load = SteerState.of(visitor).written, frame.load_set(visitor)
    request, _ = request_of(form, load)
    if written is None or written.request != request or written.result.cancelled:
        return notice("Press Generate first: the card shows the texts of what is set now.", "info")
    made = cards.card(frame.loaded, model_name(frame.loaded), request, written.result, load, command, link)
    text, picture = cards.markdown(made), base64.b64encode(cards.png(made)).decode()
    buttons = _button("copy Markdown", f'data-copy="{escape(text)}" aria-label="Copy the card as Markdown"')
    return (
        f'<div class="sp-shareline"><a class="sp-small" download="card.png" href="data:image/png;base64,{picture}" '
        f'aria-label="Download the card as a picture">download PNG</a>{buttons}</div>'
        f'<img class="sp-sharecard" src="data:image/png;base64,{picture}" alt="The card: {escape(form.prompt)}">'
    )
