"""Function for other tabs that opens Steer with a given mix, prompt, format, positions, sampling and seed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.core.positions import Positions
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.ui.kit.frame import Frame, Steering
from playground.ui.kit.mix import MixRow
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import address, conversation, layout
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.state import SteerState


def steering(frame: Frame, tab: SteerTab) -> Steering:
    """The interface of the Steer tab to the other tabs."""
    sampling = [tab.tokens, tab.temperature, tab.top_p, tab.samples, tab.seed]
    return Steering(
        outputs=[frame.tabs, *layout.outputs(tab), *sampling],
        open=functools.partial(open_in_steer, frame, tab),
        mix=lambda visitor: SteerState.of(visitor).mix.all,
        link_outputs=address.outputs(tab),
        fill_in=functools.partial(address.fill_in, frame, tab),
        not_whole=lambda visitor: None if (opened := SteerState.of(visitor).opened) is None else opened.link,
    )


def open_in_steer(
    frame: Frame,
    tab: SteerTab,
    visitor: Visitor,
    mix: Sequence[MixRow],
    *,
    prompt: str | None = None,
    format: PromptFormat | None = None,
    positions: Positions | None = None,
    sampling: Sampling | None = None,
    samples: int | None = None,
    answers: tuple[str, str] | None = None,
) -> dict[Any, Any]:
    """Fill Steer in and select its tab; returns the updates. Arguments and errors as in OpenInSteer."""
    state = SteerState.of(visitor)
    # A scale of another tab may be beyond the usual end of a slider.
    mix = [replace(row, widest=abs(row.scale)) for row in mix]
    updates = tab.cleared(visitor) | tab.mix_updates(frame, visitor, mix)
    if prompt is not None:
        updates[tab.prompt] = prompt
    if format is not None:
        state.turns, state.turns_drawn = format.turns, state.turns_drawn + 1
        updates |= {
            tab.mode: "chat" if format.chat else "raw",
            tab.system: format.system or "",
            tab.thinking: format.thinking,
            tab.turns: conversation.board(state.turns, state.turns_drawn),
        }
    if positions is not None:
        updates[tab.positions] = positions
    if sampling is not None:
        updates |= {
            tab.tokens: sampling.max_new_tokens,
            tab.temperature: sampling.temperature,
            tab.top_p: sampling.top_p,
            tab.seed: sampling.seed,
        }
    if samples is not None:
        updates[tab.samples] = samples
    if answers is not None:
        updates |= dict(zip(tab.answers, answers, strict=True))
    return updates | {frame.tabs: gr.update(selected="steer")}
