"""The address of the page: the link in it is shown on opening, on Back and Forward, and follows what is done since.

The script of the page (kit/page.js) reads and writes what stands behind #, and keeps the browser's history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library.text import listed, shown
from playground.services.link import Link, decode
from playground.ui.kit import markup
from playground.ui.kit.frame import IN_TURN, Frame, acted, board
from playground.ui.kit.running import EVENT, quick, sentence
from playground.ui.kit.visitor import Visitor

READ_JS = "(...seen) => [...seen.slice(0, -1), history.state?.link ?? location.hash]"
"""JavaScript that gives the link in the address as the last input; after a reload that of the history's entry."""


def build(frame: Frame) -> gr.HTML:
    """The hidden board between script and server, `frame.address`, and the place for what is wrong with a link."""
    frame.address = board("", elem_id="address", elem_classes="sp-hidden")
    return gr.HTML("", elem_id="address-notice", elem_classes="sp-linknotice")


@dataclass
class Links:
    """Shows links. `tabs` are the names of all tabs."""

    frame: Frame
    notice: gr.HTML
    tabs: Sequence[str]

    @property
    def outputs(self) -> list[Any]:
        """All components that a link may write to."""
        return [self.notice, self.frame.tabs, *self.frame.links.link_outputs]

    def open(self, visitor: Visitor, text: object) -> dict[Any, Any]:
        """Updates that show a link; a sentence, and nothing else, for a text that is none."""
        try:
            found = decode(text)
            updates: dict[Any, Any] = {self.notice: ""}
            if found.tab is not None:
                if found.tab not in self.tabs:
                    raise InputError(f"Expected the tab {listed(self.tabs)}, got {shown(found.tab)}; choose one above.")
                updates[self.frame.tabs] = gr.update(selected=found.tab)
            return updates if found.link is None else updates | self._filled(visitor, found.link)
        except PlaygroundError as error:
            return {self.notice: markup.notice(f"The link in the address is not shown. {sentence(error)}", "warning")}

    def again(self, visitor: Visitor) -> dict[Any, Any]:
        """Updates that show a link of which something was missing, once another model is loaded."""
        link = self.frame.links.not_whole(visitor)
        try:
            return {} if link is None else self._filled(visitor, link)
        except PlaygroundError as error:
            return {self.notice: markup.notice(sentence(error), "warning")}

    def wire(self) -> None:
        """Attach the handler of Back, Forward, and of a link that is typed into the address of an open page."""

        @quick
        def on_link(event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
            return self.open(self.frame.visitor(request), acted(event).get("link"))

        # Each in its turn: the last of several would be sent with the link of the one before.
        self.frame.address.act(on_link, None, self.outputs, **{**IN_TURN, "concurrency_id": "links"}, **EVENT)

    def _filled(self, visitor: Visitor, link: Link) -> dict[Any, Any]:
        updates, remark = self.frame.links.fill_in(visitor, link)
        return updates | {self.notice: markup.notice(remark, "warning")}
