"""Drawer of the last generations in Steer: a click goes back to one, pinned ones stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.library.recipe import format as format_recipe
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.markup import escape
from playground.ui.kit.mix import MixRow
from playground.ui.kit.running import EVENT, UNCHECKED, quick
from playground.ui.kit.visitor import Slice, Visitor
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.open import open_in_steer
from playground.ui.steer.state import SteerState, Written
from playground.ui.steer.texts import written_panes
from playground.ui.widgets import compare
from playground.ui.widgets.compare import Pinned

MOST = 30
"""Generations kept for a visitor."""
SHOWN = 90
"""Characters of a prompt and of a text in the list."""


@dataclass(frozen=True)
class Kept:
    """One generation, with the mix it was made with and the command that repeats it (HTML)."""

    written: Written
    mix: tuple[MixRow, ...]
    repeat: str

    @property
    def prompt(self) -> str:
        return self.written.request.prompts[0]

    @property
    def title(self) -> str:
        """Its recipe, as text."""
        recipes = self.written.request.recipes
        return format_recipe(recipes[0]) if recipes else "nothing added"

    def text(self, kind: str) -> str | None:
        """The texts of a pane, its samples one after another; None where it was not generated."""
        rows = self.written.of(kind)
        return None if rows is None else "\n\n".join(row.text for row in self.written.result.rows[rows])


@dataclass
class DrawerState(Slice):
    """The generations of a visitor by number, oldest first, and which are pinned."""

    kept: dict[int, Kept] = field(default_factory=dict)
    pins: tuple[int, ...] = ()
    numbers: count[int] = field(default_factory=count)

    def keep(self, one: Kept) -> None:
        """Add a generation, unless it is the last one again; the oldest beyond MOST goes, and its pin with it."""
        if any(one.written is each.written for each in self.kept.values()):
            return
        self.kept[next(self.numbers)] = one
        while len(self.kept) > MOST:
            del self.kept[next(iter(self.kept))]
        self.pins = tuple(number for number in self.pins if number in self.kept)

    def at(self, number: str | None) -> int:
        """The number in an event. Raises InputError unless that generation is kept."""
        if number is None or not number.isascii() or not number.isdigit() or int(number[:9]) not in self.kept:
            raise InputError(f"Expected one of the last {MOST} generations, got another one; click one of the list.")
        return int(number[:9])

    def pin(self, number: int) -> None:
        """Pin or unpin a generation. Raises InputError for one too many."""
        if number in self.pins:
            self.pins = tuple(each for each in self.pins if each != number)
        elif len(self.pins) >= compare.MOST:
            raise InputError(f"Expected at most {compare.MOST} pinned generations, got one more; unpin one first.")
        else:
            self.pins = (*self.pins, number)


def drawn(state: DrawerState, unfolded: bool = False) -> str:
    """The drawer as HTML, newest first; "" while it is empty."""
    if not state.kept:
        return ""
    lines = "".join(_line(number, state.kept[number]) for number in reversed(state.kept))
    unfold = " open" * unfolded
    return (
        f'<details class="sp-card sp-drawer"{unfold}><summary>Last generations ({len(state.kept)})</summary>'
        f"{_comparison([(number, state.kept[number]) for number in state.pins])}<ol>{lines}</ol></details>"
    )


def _line(number: int, one: Kept) -> str:
    text = one.text("steered") or one.text("baseline") or "(ends at once)"
    return (
        f'<li><button type="button" class="sp-back" data-act="back" data-number="{number}" title="go back to it">'
        f'<b dir="auto">{_short(one.prompt)}</b><span class="sp-detail">{escape(one.title)}</span>'
        f'<span class="sp-text sp-oneline" dir="auto">{_short(text)}</span></button><button type="button" '
        f'class="sp-small" data-act="pin" data-number="{number}" aria-label="Pin this generation">pin</button></li>'
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return escape(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


def _comparison(pinned: Sequence[tuple[int, Kept]]) -> str:
    """The pinned generations, a line for each of their prompts."""
    prompts = list(dict.fromkeys(one.prompt for _, one in pinned))
    baselines = {one.prompt: one.text("baseline") for _, one in pinned}
    columns = []
    for number, one in pinned:
        text = one.text("steered") or one.text("baseline")
        texts = tuple(text if prompt == one.prompt else None for prompt in prompts)
        opens = (f'data-act="back" data-number="{number}"',) * len(prompts)
        columns.append(Pinned(one.title, texts, opens, f'data-act="pin" data-number="{number}"'))
    return compare.side_by_side(prompts, [baselines[prompt] for prompt in prompts], columns)


def wire(frame: Frame, tab: SteerTab, generations: Sequence[Any]) -> None:
    """Attach the event handlers; `generations` are the events after which there may be one more to keep."""

    def on_generated(repeat: str | None, request: gr.Request) -> str:
        visitor = frame.visitor(request)
        steer, state = SteerState.of(visitor), DrawerState.of(visitor)
        if steer.written is not None:
            state.keep(Kept(steer.written, steer.written_with, repeat or ""))
        return drawn(state)

    for generation in generations:
        generation.then(on_generated, tab.repeat, tab.drawer, **EVENT, **UNCHECKED)

    @quick
    def on_act(event: gr.EventData, request: gr.Request, colour: bool) -> dict[Any, Any]:
        visitor, action = frame.visitor(request), acted(event)
        state = DrawerState.of(visitor)
        number = state.at(action.get("number"))
        if action.get("act") == "pin":
            state.pin(number)
            return {tab.drawer: drawn(state, unfolded=True)}
        return _back(frame, tab, visitor, state.kept[number], bool(colour))

    written = [tab.drawer, *frame.steer_outputs]
    tab.drawer.act(on_act, tab.colour, written, trigger_mode="multiple", **EVENT, **UNCHECKED)


def _back(frame: Frame, tab: SteerTab, visitor: Visitor, one: Kept, colour: bool) -> dict[Any, Any]:
    """Updates that fill Steer in as it was, with the texts. Raises PlaygroundError when a set of the mix is gone."""
    request = one.written.request
    updates = open_in_steer(
        frame, tab, visitor, one.mix, prompt=one.prompt, format=request.format, positions=request.positions,
        sampling=request.sampling, samples=request.samples,
    )  # fmt: skip
    steer = SteerState.of(visitor)
    steer.written, steer.written_with = one.written, one.mix
    return updates | {tab.panes: written_panes(visitor, colour), tab.repeat: one.repeat}
