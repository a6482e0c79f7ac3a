"""State of Steer as a link, and Steer filled in from one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import FileError, InputError, PlaygroundError
from playground.library.text import quoted
from playground.library.vector_set import VectorSet, vectors_hash
from playground.limits import check_whole
from playground.model.adapter import split_adapter, with_adapter
from playground.model.load import LoadedModel
from playground.services.link import BESIDE, HASH_DIGITS, UNITS, Link, LinkedRow, encode
from playground.ui.kit import defaults
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.markup import escape
from playground.ui.kit.mix import MixRow
from playground.ui.kit.pick import FIRST, RANGE, Load, native_norm
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import conversation, layout
from playground.ui.steer.form import SteerForm
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.state import Opened, SteerState

_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w.-]+)?", re.ASCII)


def link_of(frame: Frame, visitor: Visitor, form: SteerForm) -> Link:
    """The link to what Steer shows. Raises PlaygroundError for values that no link holds."""
    loaded, load = frame.workbench.loaded, frame.load_set(visitor)
    mix = SteerState.of(visitor).mix
    return Link(
        prompt=form.prompt or "",
        model="" if loaded is None else model_name(loaded),
        fingerprint="" if loaded is None else loaded.fingerprint,
        chat=form.mode != "raw",
        thinking=bool(form.thinking),
        system=form.system or "",
        turns=form.turns,
        positions=form.positions,
        mix=tuple(_linked(row, load) for row in form.mix if row.used),
        absolute=mix.absolute,
        sampling=form.sampling,
        samples=whole(form.samples, "samples"),
        answers=(form.first_answer or "", form.second_answer or ""),
        beside=form.beside,
    )


def said(frame: Frame, visitor: Visitor, form: SteerForm, number: int | None = None, seal: bool = False) -> Any:
    """HTML that tells the page's script the link to what Steer shows; with `seal` the next change begins a new entry of
    the browser's history. No update while the form holds what no link can, and for a form that is older than one seen
    before, by the `number` of its event; an empty link for what is too long for one.
    """
    state = SteerState.of(visitor)
    if number is not None and not state.form_events.accept("form", number):
        return gr.skip()
    state.sealed += seal
    try:
        link = link_of(frame, visitor, form)
    except PlaygroundError:
        return gr.skip()
    try:
        text = encode(link)
        if state.opened is not None and text == state.opened.shown:
            text = encode(state.opened.link)
        else:
            state.opened = None
    except InputError:
        text = ""
    newest = state.form_events.newest.get("form", 0)
    return f'<i data-link="{escape(text)}" data-sealed="{state.sealed}" data-number="{newest}"></i>'


def outputs(tab: SteerTab) -> list[Any]:
    """All components that `fill_in` writes to."""
    return [*layout.outputs(tab), tab.tokens, tab.temperature, tab.top_p, tab.samples, tab.seed, *tab.beside]


def fill_in(frame: Frame, tab: SteerTab, visitor: Visitor, link: Link) -> tuple[dict[Any, Any], str]:
    """Updates that show a link, and a sentence on what of it cannot be shown, or "".

    The mix is shown whole or not at all: a part of it would do something else. Raises PlaygroundError, before anything
    is changed, for a link that no page has made.
    """
    check_whole("number of new tokens in this link", link.sampling.max_new_tokens, 1, defaults.longest())
    check_whole("number of samples in this link", link.samples, 1, defaults.most_samples())
    rows, remark = _rows(frame, visitor, link)
    state = SteerState.of(visitor)
    shown = link
    if remark:
        loaded = frame.workbench.loaded
        shown = replace(
            link, mix=(), absolute=False, model="" if loaded is None else model_name(loaded),
            fingerprint="" if loaded is None else loaded.fingerprint,
        )  # fmt: skip
    state.opened = Opened(link, encode(shown)) if remark else None
    state.beside = link.beside
    updates = {**tab.cleared(visitor), **tab.mix_updates(frame, visitor, rows)}
    state.turns, state.turns_drawn = link.turns, state.turns_drawn + 1
    return {
        **updates,
        tab.turns: conversation.board(state.turns, state.turns_drawn),
        tab.prompt: link.prompt,
        tab.mode: "chat" if link.chat else "raw",
        tab.thinking: gr.update(value=link.thinking),
        tab.system: link.system,
        tab.positions: link.positions,
        tab.answers[0]: link.answers[0],
        tab.answers[1]: link.answers[1],
        tab.tokens: link.sampling.max_new_tokens,
        tab.temperature: link.sampling.temperature,
        tab.top_p: link.sampling.top_p,
        tab.samples: link.samples,
        tab.seed: link.sampling.seed,
        **{box: kind in link.beside for box, kind in zip(tab.beside, BESIDE, strict=True)},
    }, remark


def model_name(loaded: LoadedModel) -> str:
    """The name of a model for others: of a local one, and of an adapter, the last part of its path."""
    name, adapter = split_adapter(loaded.name)
    name = name or loaded.name
    local = os.path.exists(name) or _HUB.fullmatch(name) is None
    shown = with_adapter(Path(name).name if local else name, None if adapter is None else Path(adapter).name) or ""
    return "".join(part for part in shown if part.isprintable())[:100] or "model"


def _linked(row: MixRow, load: Load) -> LinkedRow:
    vector_set, rows = load(row.source), row.rows
    if isinstance(rows, int):
        text = str(rows)
    else:
        text = f"first:{rows[1]}" if row.row == FIRST else f"mean:{rows[0]}-{rows[1]}"
    unit = "n" if row.native else UNITS["absolute" if row.absolute else "relative"]
    scale = row.number(vector_set)
    return LinkedRow(row.source, _digits(vector_set), text, scale, unit, bool(row.mute), bool(row.solo))


def _digits(vector_set: VectorSet) -> str:
    return vectors_hash(vector_set)[:HASH_DIGITS]


def _rows(frame: Frame, visitor: Visitor, link: Link) -> tuple[list[MixRow], str]:
    """The rows of a link's mix; none, and a sentence, when there is not all that it needs."""
    loaded, load = frame.workbench.loaded, frame.load_set(visitor)
    if not link.mix:
        return [], ""
    if loaded is None or link.fingerprint not in ("", loaded.fingerprint):
        here = "none is loaded here" if loaded is None else f"{quoted(model_name(loaded))} is loaded here"
        return [], (
            f"This link steers {quoted(link.model) or 'a model'} (fingerprint {link.fingerprint or 'unknown'}), but "
            f"{here}, so its mix is left out: load that model at the top, and the link is shown whole."
        )
    found: dict[tuple[str, str], str] = {}
    missing: list[str] = []
    for row in link.mix:
        key = (row.set_name, row.vectors)
        if key not in found:
            name = next(_called(frame, visitor, load, row), None)
            if name is None:
                missing.append(_missing(frame, visitor, row))
            found[key] = name or ""
    if missing:
        return [], f"The mix of this link is left out: {'; '.join(dict.fromkeys(missing))}."
    rows = []
    for linked in link.mix:
        made = _mix_row(linked, found[linked.set_name, linked.vectors], link.absolute)
        norm = load(made.source).origin.residual_norm if made.absolute and not made.native else 1.0
        made = replace(made, widest=abs(made.scale) / norm)
        made.component(load, mute=False)  # checks the scale
        native_norm(made.source, made.rows, load(made.source))  # and the rows
        rows.append(made)
    return rows, ""


def _called(frame: Frame, visitor: Visitor, load: Load, row: LinkedRow) -> Iterator[str]:
    """Names of the sets with the vectors of a link, that of the link first."""
    names = frame.set_choices(visitor)
    for name in sorted(names, key=lambda name: name != row.set_name):
        try:
            same = _digits(load(name)) == row.vectors
        except FileError:  # gone since it was listed
            continue
        if same:
            yield name


def _missing(frame: Frame, visitor: Visitor, row: LinkedRow) -> str:
    """How to get a set that is not there."""
    if row.set_name == NOT_SAVED:
        return "its vectors were computed and not saved: whoever made it has to save them in Discover and send it anew"
    name = quoted(row.set_name)
    if row.set_name in frame.set_choices(visitor):
        there = f"“{name}” holds other vectors here than when it was made (fingerprint {row.vectors} there)"
    else:
        there = f"the set “{name}” (fingerprint {row.vectors}) is not in this library"
    return f"{there}: ask whoever made it for {name}.safetensors, add that in Library, and open the link again"


def _mix_row(row: LinkedRow, name: str, absolute: bool) -> MixRow:
    kind, _, numbers = row.rows.rpartition(":")
    made = MixRow(
        name, native=row.unit == "n", scale=row.scale, absolute=absolute, mute=row.mute, solo=row.solo
    )  # fmt: skip
    if kind == FIRST:
        return replace(made, row=FIRST, count=int(numbers))
    if kind == RANGE:
        first, end = map(int, numbers.split("-"))
        return replace(made, row=RANGE, first=first, last=end - 1)
    return replace(made, row=str(int(numbers)))
