"""Button that downloads a result as a page of its own (services/bundle), zipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.library.named_files import is_name
from playground.services.bundle import archive
from playground.services.bundle.part import Part
from playground.ui.kit.downloads import download_path
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.markup import escape_sentence
from playground.ui.kit.running import EVENT
from playground.ui.kit.visitor import Visitor


@dataclass
class PageFile:
    """The button, and the hidden one that holds the file: it is made when it is asked for, not after every run."""

    button: gr.Button
    file: gr.DownloadButton


def build(place: str) -> PageFile:
    """The button for a tab, whose elem_ids begin with `place`."""
    button = gr.Button("Download page", elem_id=f"{place}-page", min_width=112, scale=0, size="sm")
    return PageFile(button, gr.DownloadButton("page", elem_id=f"{place}-page-file", visible="hidden"))


def wire(frame: Frame, page: PageFile, part: Callable[[Visitor], Part]) -> None:
    """`part` gives what the tab shows; it raises InputError while that is nothing."""

    def on_page(request: gr.Request) -> Any:
        visitor = frame.visitor(request)
        try:
            made = part(visitor)
            if NOT_SAVED in made.command:
                made = replace(made, command="")
            name = made.title.replace(" ", "-")
            path = download_path(visitor, f"{name if is_name(name) else 'page'}.zip")
            archive([made], path)
        except PlaygroundError as error:
            gr.Warning(escape_sentence(str(error)), title="Not done", duration=10)
            return gr.update(value=None)
        return gr.update(value=str(path))

    press = f"() => setTimeout(() => document.getElementById('{page.file.elem_id}')?.click(), 100)"
    page.button.click(on_page, None, page.file, trigger_mode="once", **EVENT).then(None, None, None, js=press, **EVENT)
