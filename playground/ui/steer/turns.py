"""Event handlers of the conversation: add an answer as a turn, edit and remove turns."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.ui.kit import markup
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.running import EVENT, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import conversation
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.state import SteerState
from playground.ui.steer.texts import answer_of


def wire(frame: Frame, tab: SteerTab, follow: Any) -> None:
    """Attach the event handlers. `follow` takes a listener of an event that may change the next token, and makes it
    update the plots.
    """

    def drawn(visitor: Visitor) -> str:
        state = SteerState.of(visitor)
        state.turns_drawn += 1
        return conversation.board(state.turns, state.turns_drawn)

    @quick
    def on_turn(event: gr.EventData, request: gr.Request, prompt: str) -> dict[Any, Any]:
        """Add the prompt and an answer as turns, and clear the prompt unless it was changed since."""
        visitor = frame.visitor(request)
        state = SteerState.of(visitor)
        asked, answer = answer_of(visitor, acted(event))
        before = state.turns[: len(asked.format.turns)]
        state.turns = conversation.extended(before, asked.prompts[0], answer)
        return {tab.turns: drawn(visitor), tab.prompt: "" if prompt == asked.prompts[0] else gr.skip()}

    @quick
    def on_edit(event: gr.EventData, request: gr.Request) -> str:
        visitor = frame.visitor(request)
        state = SteerState.of(visitor)
        try:
            state.turns = conversation.changed(state.turns, acted(event))
        except InputError as error:
            gr.Warning(markup.escape_sentence(str(error)), title="Not done", duration=10)
        return drawn(visitor)

    follow(tab.panes.act(on_turn, tab.prompt, [tab.turns, tab.prompt], **EVENT).then)
    follow(tab.turns.act(on_edit, None, tab.turns, trigger_mode="multiple", **EVENT).then)
