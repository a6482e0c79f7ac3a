"""Opening Steer with what was seen elsewhere: the same mix, prompt, format, positions, sampling and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.core.push import Positions
from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.ui import conversation, steer
from playground.ui.frame import Frame
from playground.ui.mixer import MixRow
from playground.ui.state import Visitor
from playground.ui.steer_layout import SteerTab
from playground.ui.vector_picker import RANGE, native_norm


def outputs(frame: Frame, tab: SteerTab) -> list[Any]:
    """Everything `open_in_steer` may write to."""
    sampling = [tab.tokens, tab.temperature, tab.top_p, tab.samples, tab.seed]
    return [frame.tabs, *steer.outputs(tab), *sampling]


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
    """Updates that turn to Steer and fill it in; what is None stays as it is there. `answers`: the one that shows the
    effect, and the other.

    Raises FileError for a set that is not there any more or does not fit the loaded model.
    """
    # What was seen may be beyond where a slider usually ends.
    mix = [replace(row, widest=abs(row.scale)) for row in mix]
    updates = tab.cleared(visitor) | tab.mix_updates(frame, visitor, mix)
    if prompt is not None:
        updates[tab.prompt] = prompt
    if format is not None:
        visitor.turns, visitor.turns_drawn = format.turns, visitor.turns_drawn + 1
        updates |= {
            tab.mode: "chat" if format.chat else "raw",
            tab.system: format.system or "",
            tab.thinking: format.thinking,
            tab.turns: conversation.board(visitor.turns, visitor.turns_drawn),
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


def answers_of(text: str, baseline: str) -> tuple[str, str] | None:
    """What a text and the baseline's begin with, as far as the first word in which they differ: the answers whose odds
    tell whether the one or the other is written. None for equal texts, and where one ends before they differ.
    """
    ours, others = text.split(), baseline.split()
    for number, (word, other) in enumerate(zip(ours, others, strict=False), start=1):
        if word != other:
            return " ".join(ours[:number]), " ".join(others[:number])
    return None


def mix_of(recipe: Recipe, load: Callable[[str], VectorSet]) -> list[MixRow]:
    """The rows of the mixer that add what `recipe` adds. Raises what `load` raises."""
    rows = []
    for component in recipe.components:
        if component.row is not None:
            # Amounts have five digits, so that eight give them back.
            scale = float(f"{component.amount / load(component.source).origin.residual_norm:.8g}")
            rows.append(MixRow(component.source, str(component.row), scale=scale))
            continue
        rows.append(_average(component, load))
    return rows


def _average(component: Component, load: Callable[[str], VectorSet]) -> MixRow:
    """An average in multiples of what it is, or where that is beyond the slider in relative scale: of vectors of norm 1
    an average is so short.
    """
    first, end = component.mean
    row = MixRow(component.source, RANGE, first=first, last=end - 1, native=True, scale=component.amount)
    if abs(component.amount) <= row.maximum:
        return row
    vector_set = load(component.source)
    relative = component.amount * native_norm(component.source, component.mean, vector_set)
    return replace(row, native=False, scale=float(f"{relative / vector_set.origin.residual_norm:.8g}"))
