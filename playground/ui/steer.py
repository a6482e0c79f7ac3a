"""The Steer tab: a prompt, a mix of directions, and what the mix does to text, next token and logit difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.ui import defaults, mixer, steer_layout, vector_controls
from playground.ui.frame import NOT_SAVED, Frame, acted
from playground.ui.mixer import MixControls, MixRow
from playground.ui.running import long, quick
from playground.ui.state import Visitor
from playground.ui.steer_effect import show_effect
from playground.ui.steer_form import SteerForm
from playground.ui.steer_layout import NO_SETS, SteerTab, example_chips, set_hint
from playground.ui.steer_texts import generate_texts
from playground.ui.vector_controls import UNCHECKED
from playground.ui.vector_picker import FIRST, counts_native, row_choices


def build(frame: Frame) -> SteerTab:
    """The tab, wired."""
    tab = steer_layout.build(frame)
    _wire(frame, tab)
    return tab


def outputs(tab: SteerTab) -> list[Any]:
    """Everything that opening, another model or another tab may write to."""
    return [
        *_row_outputs(tab),
        tab.hint,
        tab.prompt,
        tab.mode,
        tab.system,
        *tab.answers,
        tab.examples,
        tab.baseline,
        tab.steered,
        tab.repeat,
        tab.notice,
    ]


def example_updates(tab: SteerTab, example: defaults.Example) -> dict[Any, Any]:
    """Fill the prompt in."""
    return {
        tab.prompt: example.prompt,
        tab.mode: "chat",
        tab.system: example.system or "",
        tab.answers[0]: example.answers[0],
        tab.answers[1]: example.answers[1],
    }


def opening_updates(frame: Frame, tab: SteerTab, visitor: Visitor) -> dict[Any, Any]:
    """Everything as the page opens with it, for a model that was loaded later."""
    start = defaults.opening(frame.workbench.loaded, frame.workbench.store)
    return {
        **tab.cleared(),
        **tab.mix_updates(frame, visitor, mixer.opening_mix(start)),
        **example_updates(tab, start.example),
        tab.examples: example_chips(frame),
    }


def opening_sets(frame: Frame) -> list[str | None]:
    """The set in every row of the mixer as the page is built."""
    return mixer.sets_of(mixer.opening_mix(defaults.opening(frame.workbench.loaded, frame.workbench.store)))


def library_outputs(tab: SteerTab) -> list[Any]:
    """What `library_updates` may write to."""
    return [tab.hint, *_row_outputs(tab)]


def library_updates(frame: Frame, tab: SteerTab, visitor: Visitor) -> dict[Any, Any]:
    """New choices in the pickers after the library changed; what is chosen stays where it still exists."""
    names = frame.set_choices(visitor)
    load = frame.load_set(visitor)
    updates: dict[Any, Any] = {tab.hint: set_hint(frame, names)}
    for index, (controls, name) in enumerate(zip(tab.rows, visitor.mix_sets, strict=True)):
        if name is None:
            continue  # it gets its choices when it is added
        renamed = name == NOT_SAVED and visitor.saved_as in names
        if renamed:
            name = visitor.saved_as
        try:
            choices = row_choices(load(name)) if name in names else []
        except PlaygroundError:
            choices = []
        visitor.mix_sets[index] = name if choices else None
        if not choices:
            updates |= controls.show(None, names, load)
            continue
        # Values are left alone: the visitor may be changing them at this moment.
        updates[controls.pick.set_name] = gr.update(choices=names, value=name) if renamed else gr.update(choices=names)
        updates[controls.pick.row] = gr.update(choices=choices)
    return updates


def show_effect_of(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    """Small print, next tokens and logit difference of what the controls say; nothing when that is shown already."""
    key = (form, frame.model_token(), visitor.found_number)
    load = frame.load_set(visitor)
    yield {controls.strip: row.strip(load) for controls, row in zip(tab.rows, form.mix, strict=True)}
    if key in (visitor.effect_shown, visitor.effect_wanted):
        return  # filling the page in changes many controls, and each of them asks for the same
    visitor.effect_shown, visitor.effect_wanted = None, key

    def outdated() -> bool:
        return visitor.effect_wanted != key

    try:
        for updates in show_effect(frame, tab, visitor, form, outdated):
            if outdated():  # opening and moving a slider are two events: the later one is what counts
                return
            yield updates
        visitor.effect_shown = key
    finally:
        if not outdated():
            visitor.effect_wanted = None


def _wire(frame: Frame, tab: SteerTab) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    unchecked = {**private, **UNCHECKED}

    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_generate(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        form = SteerForm.of(values)
        yield from generate_texts(frame, tab, visitor, form)

    gr.on(
        [tab.generate.click, tab.prompt.submit],
        on_generate,
        tab.inputs,
        [tab.baseline, tab.steered, tab.repeat, tab.notice, frame.status],
        trigger_mode="once",
        concurrency_limit=16,
        concurrency_id="jobs",
        **unchecked,
    )

    def on_stop(request: gr.Request) -> None:
        frame.workbench.jobs.cancel_all(frame.visitor(request).session)

    tab.stop.click(on_stop, queue=False, **private)

    def on_change(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from show_effect_of(frame, tab, frame.visitor(request), SteerForm.of(values))

    changes = [tab.prompt.change, tab.mode.change, tab.system.change, tab.positions.change]
    changes += [answer.change for answer in tab.answers]
    for controls in tab.rows:
        changes += [component.change for component in controls.values]
    effects = [*(controls.strip for controls in tab.rows), tab.shifts, tab.curve, tab.curve_note]
    following: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_limit": 16, "concurrency_id": "jobs"}
    gr.on(changes, on_change, tab.inputs, effects, **following, **unchecked)
    frame.opened.append((on_change, tab.inputs, effects))

    for index, controls in enumerate(tab.rows):
        _wire_row(frame, controls, index, private)

    def add(kind: str) -> Any:
        @quick
        def on_add(request: gr.Request, *values: Any) -> dict[Any, Any]:
            visitor = frame.visitor(request)
            mix = mixer.read(values)
            free = next((index for index, row in enumerate(mix) if not row.used), None)
            if free is None:
                raise InputError(
                    f"Expected at most {defaults.MIX_ROWS} rows in the mix, got one more; remove one first."
                )
            names = frame.set_choices(visitor)
            if not names:
                raise InputError(NO_SETS)
            used = next((row.set_name for row in mix if row.used and row.set_name in names), names[0])
            load = frame.load_set(visitor)
            taken = {row.row for row in mix if row.set_name == used}
            vector_set = load(used)
            row = next((str(r) for r in range(vector_set.rows) if str(r) not in taken), "0")
            if kind == "average":
                row = FIRST if vector_set.rows > 1 else "0"
            new = MixRow(used, row, native=counts_native(row, vector_set))
            visitor.mix_sets[free] = used
            return tab.rows[free].show(new, names, load)

        return on_add

    row_outputs = _row_outputs(tab)
    tab.add_vector.click(add("vector"), tab.mix_inputs, row_outputs, **unchecked)
    tab.add_average.click(add("average"), tab.mix_inputs, row_outputs, **unchecked)

    @quick
    def on_example(event: gr.EventData) -> dict[Any, Any]:
        name = acted(event).get("name")
        for example in defaults.examples(frame.loaded):
            if example.key == name:
                return example_updates(tab, example)
        raise InputError(f"Expected one of the examples, got “{name}”; click one of the buttons.")

    tab.examples.act(on_example, None, [tab.prompt, tab.mode, tab.system, *tab.answers], **private)


def _wire_row(frame: Frame, controls: MixControls, index: int, private: dict[str, Any]) -> None:
    def chosen(visitor: Visitor, name: str) -> None:
        visitor.mix_sets[index] = name

    pick = controls.pick
    vector_controls.wire(frame, pick, chosen)
    controls.flip.click(None, pick.scale, pick.scale, js="(scale) => -scale", **private)

    def on_remove(request: gr.Request) -> dict[Any, Any]:
        frame.visitor(request).mix_sets[index] = None
        return {controls.box: gr.update(visible=False), pick.set_name: None, pick.row: None, pick.scale: 0.0}

    controls.remove.click(on_remove, None, [controls.box, pick.set_name, pick.row, pick.scale], **private)


def _row_outputs(tab: SteerTab) -> list[Any]:
    return [part for controls in tab.rows for part in (controls.box, *controls.values, controls.strip)]
