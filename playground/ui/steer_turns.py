"""The conversation at work: answers become turns, and turns can be edited and taken away."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.ui import conversation, markup
from playground.ui.frame import Frame, acted
from playground.ui.running import EVENT, quick
from playground.ui.state import Visitor
from playground.ui.steer_layout import SteerTab
from playground.ui.steer_texts import answer_of


def wire(frame: Frame, tab: SteerTab, follow: Any) -> None:
    """`follow` makes the plots follow an event (a listener) after which the next token is another one."""

    def drawn(visitor: Visitor) -> str:
        visitor.turns_drawn += 1
        return conversation.board(visitor.turns, visitor.turns_drawn)

    @quick
    def on_turn(event: gr.EventData, request: gr.Request, prompt: str) -> dict[Any, Any]:
        """An answer becomes the assistant's turn, and what was asked the user's; the prompt is free for the next."""
        visitor = frame.visitor(request)
        asked, answer = answer_of(visitor, acted(event))
        before = visitor.turns[: len(asked.format.turns)]
        visitor.turns = conversation.gone_on(before, asked.prompts[0], answer)
        return {tab.turns: drawn(visitor), tab.prompt: "" if prompt == asked.prompts[0] else gr.skip()}

    @quick
    def on_said(event: gr.EventData, request: gr.Request) -> str:
        visitor = frame.visitor(request)
        try:
            visitor.turns = conversation.changed(visitor.turns, acted(event))
        except InputError as error:
            gr.Warning(markup.escape(str(error)), title="Not done", duration=10)
        return drawn(visitor)

    follow(tab.panes.act(on_turn, tab.prompt, [tab.turns, tab.prompt], **EVENT).then)
    follow(tab.turns.act(on_said, None, tab.turns, trigger_mode="multiple", **EVENT).then)
