"""Event handlers of the Scan tab, and its updates after another model or library change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library.recipe import Recipe
from playground.library.recipe import parse as parse_recipe
from playground.services.bundle import part_of
from playground.services.bundle.part import Part
from playground.services.changed import first_difference
from playground.ui.kit import defaults
from playground.ui.kit.frame import IN_TURN, NOT_SAVED, Frame, acted
from playground.ui.kit.mix import MixRow, mix_of
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.scan.form import PLACE, ScanForm, hint, prompts_of, suggested_scales
from playground.ui.scan.layout import PROMPTS, ScanTab
from playground.ui.scan.notes import name_now, note, notes_now, scanned, set_now
from playground.ui.scan.open import open_scan
from playground.ui.scan.pins import pin_of, toggled
from playground.ui.scan.run import drawn_table, run_scan, show
from playground.ui.scan.state import ScanState
from playground.ui.scan.view import ScanView
from playground.ui.widgets import page_file, prompt_source
from playground.ui.widgets.prompt_source import PromptChoice

PRIVATE: dict[str, Any] = {**EVENT, **UNCHECKED}
CHECKED: dict[str, Any] = {**EVENT, "preprocess": True}
"""For uploads: only so do they become a path."""


def wire(frame: Frame, tab: ScanTab) -> None:
    _wire_run(frame, tab)
    _wire_form(frame, tab)
    _wire_table(frame, tab)
    page_file.wire(frame, tab.page, _part)


def outputs(tab: ScanTab) -> list[Any]:
    """Everything that opening, another model or another tab may write to."""
    return [
        tab.set_name, tab.rows, tab.scales, tab.unit, *tab.prompts.outputs, tab.mode, tab.system,
        tab.hint, tab.notice, tab.progress, tab.json, tab.csv, tab.group, tab.table, tab.repeat,
    ]


def model_updates(frame: Frame, tab: ScanTab, visitor: Visitor) -> dict[Any, Any]:
    """Sets and prompts for the loaded model; what another model wrote is cleared away."""
    state = ScanState.of(visitor)
    loaded = frame.workbench.loaded
    opening = defaults.opening(loaded, frame.store(visitor))
    chosen = prompt_source.default_set(loaded)
    choice = PromptChoice(prompt_source.BUILT_IN, chosen, "", PROMPTS, place=PLACE)
    state.result, state.first, state.discarded = None, 0, None
    return {
        tab.set_name: gr.update(choices=frame.set_choices(visitor), value=opening.set_name),
        tab.rows: "all",
        **_scales(frame, tab, visitor, opening.set_name),
        **tab.prompts.updates(choice, visitor, use=PROMPTS),
        tab.prompts.kind: prompt_source.BUILT_IN,
        tab.prompts.order: prompt_source.FIRST,
        tab.prompts.set_name: gr.update(choices=prompt_source.set_names(loaded), value=chosen, visible=True),
        **prompt_source.format_of_set(chosen, tab.mode, tab.system),
        **tab.empty(),
        tab.hint: "",
    }


def library_inputs(tab: ScanTab) -> list[Any]:
    """The components whose values `library_updates` takes."""
    return [tab.set_name, *tab.view]


def library_updates(frame: Frame, tab: ScanTab, visitor: Visitor, values: Sequence[Any]) -> dict[Any, Any]:
    """Choices of sets after a library change, and the table where notes changed; `values` of `library_inputs`."""
    state = ScanState.of(visitor)
    (name, *view), names = values, frame.set_choices(visitor)
    if name == NOT_SAVED and name not in names:
        name = visitor.saved_as
    chosen = name if name in names else next(iter(names), None)
    if name in names and name == values[0]:
        updates: dict[Any, Any] = {tab.set_name: gr.update(choices=names)}
    else:
        updates = {tab.set_name: gr.update(choices=names, value=chosen), **_scales(frame, tab, visitor, chosen)}
    if state.result is not None and notes_now(frame, visitor) != state.notes:
        updates |= show(frame, tab, visitor, ScanView.of(view))
    return updates


def library_outputs(tab: ScanTab) -> list[Any]:
    """What `library_updates` may write to."""
    return [tab.set_name, tab.scales, tab.unit, tab.table, tab.json, tab.csv]


def _wire_run(frame: Frame, tab: ScanTab) -> None:
    written = [
        tab.notice, tab.progress, tab.table, tab.group, tab.json, tab.csv, tab.repeat, frame.status,
    ]

    @frame.keepable("scan", "Scan", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_scan(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        form, view = ScanForm.of(values[: len(tab.inputs)]), ScanView.of(values[len(tab.inputs) :])
        yield from run_scan(frame, tab, frame.visitor(request), form, view)

    def on_ended(request: gr.Request, *values: Any) -> str:
        """The estimate anew, with what was learnt."""
        return cost_hint(frame, frame.visitor(request), ScanForm.of(values))

    scanned_all = tab.scan.click(on_scan, [*tab.inputs, *tab.view], written, trigger_mode="once", **PRIVATE)
    scanned_all.then(on_ended, tab.inputs, tab.hint, **PRIVATE)

    @quick
    def on_open(request: gr.Request, path: str | None, *view: Any) -> dict[Any, Any]:
        return open_scan(frame, tab, frame.visitor(request), path, ScanView.of(view))

    tab.open.upload(on_open, [tab.open, *tab.view], written[:-1], **CHECKED)


def _wire_form(frame: Frame, tab: ScanTab) -> None:
    source = tab.prompts

    def on_cost(request: gr.Request, *values: Any) -> str:
        return cost_hint(frame, frame.visitor(request), ScanForm.of(values))

    costly: list[Any] = [
        tab.set_name, tab.rows, tab.signs, tab.scales, tab.unit, tab.samples, tab.tokens, tab.temperature,
    ]
    gr.on([part.change for part in costly], on_cost, tab.inputs, tab.hint, trigger_mode="always_last", **PRIVATE)
    frame.opened.append((on_cost, tab.inputs, [tab.hint]))

    @quick
    def on_source(request: gr.Request, *values: Any) -> dict[Any, Any]:
        visitor, form = frame.visitor(request), ScanForm.of(values)
        return {**source.updates(form.choice, visitor), tab.hint: cost_hint(frame, visitor, form)}

    gr.on(source.changes, on_source, tab.inputs, [*source.outputs, tab.hint], trigger_mode="always_last", **PRIVATE)

    @quick
    def on_upload(request: gr.Request, path: str | None, *values: Any) -> dict[Any, Any]:
        visitor, form = frame.visitor(request), ScanForm.of(values)
        if refused := source.take_upload(visitor, PLACE, path):
            return refused
        return {**source.updates(form.choice, visitor, use=PROMPTS), tab.hint: cost_hint(frame, visitor, form)}

    source.upload.change(on_upload, [source.upload, *tab.inputs], [*source.outputs, tab.hint], **CHECKED)

    @quick
    def on_prompt_set(name: str | None) -> dict[Any, Any]:
        return prompt_source.format_of_set(name, tab.mode, tab.system)

    source.set_name.input(on_prompt_set, source.set_name, [tab.mode, tab.system], **PRIVATE)

    @quick
    def on_vector_set(request: gr.Request, name: str | None) -> dict[Any, Any]:
        return _scales(frame, tab, frame.visitor(request), name)

    tab.set_name.input(on_vector_set, tab.set_name, [tab.scales, tab.unit], **PRIVATE)

    @quick
    def on_unit(request: gr.Request, name: str | None, unit: str) -> dict[Any, Any]:
        return _scales(frame, tab, frame.visitor(request), name, unit)

    tab.unit.input(on_unit, [tab.set_name, tab.unit], [tab.scales, tab.unit], **PRIVATE)


def cost_hint(frame: Frame, visitor: Visitor, form: ScanForm) -> str:
    """The estimated time of a scan, as HTML; "" while the form is incomplete."""
    try:
        load = frame.load_set(visitor)
        request = form.request(prompts_of(form, visitor), load)
        return hint(frame.loaded, request, load(request.source))
    except PlaygroundError:
        return ""


def _wire_table(frame: Frame, tab: ScanTab) -> None:
    @quick
    def on_view(request: gr.Request, *values: Any) -> str:
        visitor = frame.visitor(request)
        ScanState.of(visitor).first = 0
        return drawn_table(frame, visitor, ScanView.of(values))

    # Inputs of the visitor only: filling the choices in must not draw the table twice. A Textbox fires `input` before
    # it has the new value, so `change` serves for these, which nothing but the visitor changes.
    typed = (tab.contains, *tab.limits)
    events = [part.change if part in typed else part.input for part in tab.view]
    gr.on(events, on_view, tab.view, tab.table, trigger_mode="always_last", **PRIVATE)

    @quick
    def on_act(event: gr.EventData, request: gr.Request, *values: Any) -> dict[Any, Any]:
        visitor, action, view = frame.visitor(request), acted(event), ScanView.of(values)
        state = ScanState.of(visitor)
        act = action.get("act")
        if act == "page":
            state.first = _number(action.get("entry"), "entry", len(scanned(visitor).cells))
            return {tab.table: drawn_table(frame, visitor, view)}
        if act == "group":
            group = str(_number(action.get("name"), "group", len(scanned(visitor).groups)))
            state.first = 0
            return {tab.group: group, tab.table: drawn_table(frame, visitor, replace(view, group=group))}
        if act == "steer":
            return _open(frame, visitor, action)
        if act == "pin":
            result = scanned(visitor)
            cell = result.cells[_number(action.get("cell"), "cell", len(result.cells))]
            state.pins = toggled(state.pins, pin_of(result, cell))
            return {tab.table: drawn_table(frame, visitor, view)}
        row = note(frame, visitor, action)
        if act == "discard":
            state.discarded = row if action.get("value") == "true" else None
            updates = show(frame, tab, visitor, view)
        else:
            # The browser shows it already; a new table would take the cursor out of the next field.
            updates = show(frame, tab, visitor, view)
            del updates[tab.table]
        return updates | {frame.library_seen: frame.library_token(visitor)}

    tab.table.act(
        on_act,
        tab.view,
        [tab.table, tab.group, tab.json, tab.csv, frame.library_seen, *frame.steer_outputs],
        **PRIVATE,
        **IN_TURN,
    )


def _part(visitor: Visitor) -> Part:
    """The scan that is shown, for its page. Raises InputError while there is none."""
    return part_of(replace(scanned(visitor), notes=ScanState.of(visitor).notes))


def _open(frame: Frame, visitor: Visitor, action: dict[str, str]) -> dict[Any, Any]:
    """Updates that open a text in Steer: recipe, prompt, format, positions, sampling, seed, and the first words in
    which it differs from the baseline. Raises InputError for a missing text, FileError for a missing set.
    """
    result = scanned(visitor)
    cell = result.cells[_number(action.get("cell"), "cell", len(result.cells))]
    request, name = result.request, name_now(frame, visitor)
    set_now(frame, visitor)  # refuses other vectors of that name with a sentence
    if request.unit == "r":
        mix = [MixRow(name, str(cell.row), scale=cell.sign * cell.scale)]
    else:
        (component,) = parse_recipe(cell.recipe).components
        mix = mix_of(Recipe((replace(component, source=name),)), frame.load_set(visitor))
    baseline = result.baseline_of().get((cell.prompt, cell.sample))
    return frame.open_in_steer(
        visitor,
        mix,
        answers=None if baseline is None else first_difference(cell.text, baseline.text),
        prompt=request.prompts[cell.prompt],
        format=request.format,
        positions=request.positions,
        sampling=request.sampling,
        samples=request.samples,
    )


def _scales(
    frame: Frame, tab: ScanTab, visitor: Visitor, name: str | None, unit: str | None = None
) -> dict[Any, Any]:
    """Suggested scales for the set `name`, in `unit` or (None) in the usual one of the set."""
    try:
        vector_set = frame.load_set(visitor)(name) if name else None
    except PlaygroundError:  # a click on Scan shows why
        vector_set = None
    unit, scales = suggested_scales(frame.workbench.loaded, vector_set, unit)
    return {tab.scales: scales, tab.unit: unit}


def _number(text: str | None, what: str, count: int) -> int:
    """The number in an event of the table. Raises InputError unless it is below `count`."""
    if text is None or not text.isascii() or not text.isdigit() or int(text) >= count:
        raise InputError(f"Expected the number of a {what} below {count}, got “{text}”; use the buttons of the table.")
    return int(text)
