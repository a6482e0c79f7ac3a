"""Event handlers and updates of the Steer tab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InputError
from playground.model.prompting import can_think
from playground.ui.kit import defaults
from playground.ui.kit.event_order import NUMBERED_JS
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.mix import opening_mix
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import address, drawer, layout, mix, presets, share, strip, turns
from playground.ui.steer.effect import show_effect
from playground.ui.steer.form import SteerForm
from playground.ui.steer.history import History
from playground.ui.steer.layout import SteerTab, example_chips
from playground.ui.steer.open import steering
from playground.ui.steer.state import SteerState
from playground.ui.steer.texts import colour_texts, generate_texts, written_panes


def example_updates(tab: SteerTab, example: defaults.Example) -> dict[Any, Any]:
    """Updates that fill an example in."""
    return {
        tab.prompt: example.prompt,
        tab.mode: "chat",
        tab.system: example.system or "",
        tab.answers[0]: example.answers[0],
        tab.answers[1]: example.answers[1],
    }


def build(frame: Frame) -> SteerTab:
    """The components; also sets the interface of Steer to the other tabs."""
    tab = layout.build(frame)
    frame.steering = steering(frame, tab)
    return tab


def model_updates(frame: Frame, tab: SteerTab, visitor: Visitor) -> dict[Any, Any]:
    """Updates to the opening state for a model that was loaded later. Clears the visitor's texts and mix."""
    loaded = frame.workbench.loaded
    start = defaults.opening(loaded, frame.store(visitor))
    return {
        **tab.cleared(visitor),
        **tab.mix_updates(frame, visitor, opening_mix(start)),
        **example_updates(tab, start.example),
        tab.thinking: gr.update(value=False, visible=loaded is not None and can_think(loaded)),
        tab.examples: example_chips(frame),
        tab.presets: presets.chips(loaded, frame.set_choices(visitor)),
    }


def arrive(frame: Frame, visitor: Visitor) -> None:
    """Set the mix of a new visitor to the one that the page was built with."""
    mix = SteerState.of(visitor).mix
    mix.show(opening_mix(defaults.opening(frame.workbench.loaded, frame.store(visitor))))
    mix.history = History()  # the opening mix is no step of the visitor's


def library_outputs(tab: SteerTab) -> list[Any]:
    """All components that `library_updates` may write to."""
    return [tab.hint, tab.presets, *tab.mix_outputs]


def library_updates(
    frame: Frame, tab: SteerTab, visitor: Visitor, values: Sequence[Any]
) -> dict[Any, Any]:
    """Updates of the pickers after the library changed; rows whose set is gone are removed."""
    names = frame.set_choices(visitor)
    chips = presets.chips(frame.workbench.loaded, names)
    return {tab.presets: chips, **mix.library_updates(frame, tab, visitor, names)}


def show_effect_of(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    """Updates of the effect panels for the form; none when they show its effect already, or are about to."""
    state = SteerState.of(visitor)
    key = (form, frame.model_token(), visitor.found_number)
    if key in (state.effect_shown, state.effect_wanted):
        yield {tab.shifts: gr.skip()}  # Gradio empties the outputs of a generator that yields nothing
        return  # one update of the page changes many controls, and each has an event with the same form
    state.effect_shown, state.effect_wanted = None, key

    def outdated() -> bool:
        return state.effect_wanted != key

    empty = True
    try:
        for updates in show_effect(frame, tab, visitor, form, outdated):
            if outdated():  # a later event, such as another move of the slider, has taken over
                break
            empty = False
            yield updates
        else:
            state.effect_shown = None if empty else key
        if empty:
            yield {tab.shifts: gr.skip()}
    finally:
        if not outdated():
            state.effect_wanted = None


def show_preset(
    frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm, name: str
) -> Iterator[dict[Any, Any]]:
    """Fill a preset in and generate its texts; yields updates. Raises PlaygroundError, also for one not offered."""
    offered = presets.offered(frame.workbench.loaded, frame.set_choices(visitor))
    preset = next((preset for preset in offered if preset.name == name), None)
    if preset is None:
        raise InputError(f"Expected one of the presets, got “{name}”; click one of the buttons.")
    yield {
        **tab.cleared(visitor),
        **tab.mix_updates(frame, visitor, preset.mix),
        **example_updates(tab, preset.example),
        tab.thinking: False,
        tab.positions: "all",
        tab.tokens: preset.max_new_tokens,
        tab.temperature: preset.temperature,
    }
    filled = replace(
        form, prompt=preset.example.prompt, mode="chat", system=preset.example.system or "", thinking=False,
        positions="all", first_answer=preset.example.answers[0], second_answer=preset.example.answers[1],
        max_new_tokens=preset.max_new_tokens, temperature=preset.temperature,
        mix=preset.mix, turns=(),
    )
    yield {frame.address: address.said(frame, visitor, filled, seal=True)}
    yield from generate_texts(frame, tab, visitor, filled)


def wire(frame: Frame, tab: SteerTab) -> None:
    """Attach the event handlers of the tab."""
    unchecked = {**EVENT, **UNCHECKED}
    queued: dict[str, Any] = unchecked
    with_errors = long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})

    def form_of(request: gr.Request, values: Sequence[Any]) -> tuple[Visitor, SteerForm]:
        visitor = frame.visitor(request)
        return visitor, SteerForm.of(values, visitor)

    def numbered_form(request: gr.Request, values: Sequence[Any]) -> tuple[Visitor, SteerForm, int]:
        (first, number), *others = values
        return *form_of(request, (first, *others)), number

    numbered: dict[str, Any] = {"js": NUMBERED_JS, **queued}

    @with_errors
    def on_generate(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor, form, number = numbered_form(request, values)
        yield {frame.address: address.said(frame, visitor, form, number, seal=True), tab.shared: ""}
        yield from generate_texts(frame, tab, visitor, form)

    texts = [tab.panes, tab.repeat, tab.shared, tab.notice, frame.status, frame.address]
    generated = [gr.on(
        [tab.generate.click, tab.prompt.submit], on_generate, tab.inputs, texts, trigger_mode="once", **numbered
    )]  # fmt: skip

    @with_errors
    def on_preset(request: gr.Request, event: gr.EventData, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor, form = form_of(request, values)
        yield from show_preset(frame, tab, visitor, form, acted(event).get("name", ""))

    filled = [*layout.outputs(tab), tab.tokens, tab.temperature, frame.status, frame.address]
    generated.append(tab.presets.act(on_preset, tab.inputs, filled, **queued))
    drawer.wire(frame, tab, generated)

    @with_errors
    def on_colour(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from colour_texts(frame, tab, *form_of(request, values))

    tab.colour.input(on_colour, tab.inputs, texts, trigger_mode="always_last", **queued)

    @quick
    def on_beside(request: gr.Request, *values: Any) -> str:
        visitor, form = form_of(request, values)
        SteerState.of(visitor).beside = form.beside
        return written_panes(visitor, form.colour)

    gr.on([box.input for box in tab.beside], on_beside, tab.inputs, tab.panes, trigger_mode="always_last", **unchecked)

    def on_change(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        visitor, form, number = numbered_form(request, values)
        yield {frame.address: address.said(frame, visitor, form, number)}
        yield from show_effect_of(frame, tab, visitor, form)

    @quick
    def on_opening(request: gr.Request, *values: Any) -> Any:
        return address.said(frame, *form_of(request, values))

    def on_opened(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from show_effect_of(frame, tab, *form_of(request, values))

    changes = [tab.prompt.change, tab.mode.change, tab.thinking.change, tab.system.change, tab.positions.change]
    changes += [answer.change for answer in tab.answers]
    effects = [tab.shifts, tab.curve, tab.curve_note, frame.address]
    following: dict[str, Any] = {"trigger_mode": "always_last"}
    gr.on(changes, on_change, tab.inputs, effects, **following, **numbered)
    frame.opening.append((on_opening, tab.inputs, [frame.address]))
    frame.opened.append((on_opened, tab.inputs, effects))

    @quick
    def on_sampling(request: gr.Request, *values: Any) -> Any:
        return address.said(frame, *numbered_form(request, values))

    sampling: list[Any] = [tab.tokens, tab.temperature, tab.top_p, tab.samples, tab.seed, *tab.beside]
    # In the queue: outside of it, what changed while an event was under way was not sent once that had ended.
    gr.on([each.change for each in sampling], on_sampling, tab.inputs, frame.address, **following, **numbered)

    def follow(event: Any) -> None:
        event(on_change, tab.inputs, effects, **following, **numbered)

    share.wire(frame, tab, form_of)
    mix.wire(frame, tab, follow)
    strip.wire(frame, tab)
    turns.wire(frame, tab, follow)

    @quick
    def on_example(event: gr.EventData) -> dict[Any, Any]:
        name = acted(event).get("name")
        for example in defaults.examples(frame.loaded):
            if example.key == name:
                return example_updates(tab, example)
        raise InputError(f"Expected one of the examples, got “{name}”; click one of the buttons.")

    tab.examples.act(on_example, None, [tab.prompt, tab.mode, tab.system, *tab.answers], **EVENT)
