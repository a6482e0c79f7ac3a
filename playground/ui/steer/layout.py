"""Components of the Steer tab: controls on the left, texts and plots on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.limits import at_most
from playground.model.prompting import can_think
from playground.ui import guide
from playground.ui.kit import defaults, markup, plots
from playground.ui.kit.frame import Frame, board
from playground.ui.kit.mix import MixRow, opening_mix
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import kept, mix_row, mixer, panes, presets
from playground.ui.steer.mix_row import MixControls
from playground.ui.steer.state import SteerState
from playground.ui.widgets.positions import positions_picker

WAIT_CURVE = "The logit difference over scales comes here."
NO_SETS = "No set of vectors fits this model yet: compute vectors in Discover, or upload a file in Library."


@dataclass
class SteerTab:
    """The components that have event handlers or updates."""

    inputs: list[Any]
    prompt: gr.Textbox
    turns: gr.HTML
    mode: gr.Radio
    thinking: gr.Checkbox
    system: gr.Textbox
    positions: gr.Dropdown
    tokens: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    samples: gr.Slider
    seed: gr.Number
    answers: tuple[gr.Textbox, gr.Textbox]
    examples: gr.HTML
    presets: gr.HTML
    guide: gr.HTML
    """The card of the first minute (ui/guide.py)."""
    units: gr.Radio
    mixed: gr.State
    """Counts the redraws of the mixer; its change event updates the plots."""
    rows: list[MixControls]
    beyond: gr.State
    """The value of `Mix.beyond`; its change event renders the rows beyond the pool."""
    more: gr.Column
    """The place of the rows beyond the pool."""
    hint: gr.HTML
    add_vector: gr.Button
    add_average: gr.Button
    undo: gr.Button
    redo: gr.Button
    beside: tuple[gr.Checkbox, gr.Checkbox]
    colour: gr.Checkbox
    panes: gr.HTML
    write_strip: gr.Button
    strip: gr.HTML
    share: gr.Button
    shared: gr.HTML
    """The panel of Share."""
    shifts: gr.HTML
    curve: gr.Plot
    curve_note: gr.HTML
    repeat: gr.HTML
    drawer: gr.HTML
    notice: gr.HTML
    generate: gr.Button
    cost: gr.HTML
    """The estimate beside it."""

    def mix_updates(self, frame: Frame, visitor: Visitor, mix: Sequence[MixRow]) -> dict[Any, Any]:
        """Replace the visitor's mix by `mix`; returns the updates of the mixer. Raises InputError for too many rows."""
        state = SteerState.of(visitor)
        state.mix.show(mix)
        hint = set_hint(frame, frame.set_choices(visitor))
        return {self.units: mixer.UNITS[state.mix.absolute], self.hint: hint, **self.drawn(frame, visitor)}

    def drawn(self, frame: Frame, visitor: Visitor, only: int | None = None) -> dict[Any, Any]:
        """Updates of the rows of the visitor's mix. With `only` a slot that was filled or emptied, the values of other
        rows are not written: a late response must not undo what was typed there since.
        """
        mix, names, load = SteerState.of(visitor).mix, frame.set_choices(visitor), frame.load_set(visitor)
        mix.drawn += 1
        updates: dict[Any, Any] = {self.mixed: mix.drawn, self.beyond: mix.beyond}
        solo = any(row.solo for row in mix.all)
        for slot, controls in enumerate(self.rows):
            row = mix.rows.get(slot)
            if only in (None, slot):
                updates |= controls.show(row, names, load, mix.remark(slot))
            elif row is not None and solo:
                updates[controls.pick.strip] = row.strip(load, mix.remark(slot))
        return updates

    @property
    def mix_outputs(self) -> list[Any]:
        """All components that `drawn` may write to."""
        return [self.mixed, self.beyond, *(part for controls in self.rows for part in controls.outputs)]

    def cleared(self, visitor: Visitor) -> dict[Any, Any]:
        """Clear the generated texts and the conversation; returns the updates."""
        state = SteerState.of(visitor)
        state.written, state.turns, state.strip = None, (), None
        return {
            self.strip: "",
            self.turns: "",
            self.panes: panes.waiting(("baseline", "steered", *state.beside)),
            self.repeat: "",
            self.shared: "",
            self.notice: "",
        }


def build(frame: Frame) -> SteerTab:
    """The components, filled in for the loaded model and the library, so that a new page needs no updates."""
    loaded, blank = frame.workbench.loaded, Visitor("")
    start = defaults.opening(loaded, frame.workbench.store)
    names, load = frame.set_choices(blank), frame.load_set(blank)
    ready = kept.show(loaded, load, blank, kept.opening(loaded, frame.workbench.store))
    mix = [*opening_mix(start), *[MixRow(None)] * mixer.POOL][: mixer.POOL]
    small: dict[str, Any] = {"container": False, "scale": 0, "min_width": 110, "elem_classes": "sp-mute"}
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            preset_chips = board(presets.chips(loaded, names), elem_id="steer-presets")
            with gr.Group(elem_classes="sp-card"):
                turns = board("", elem_id="steer-turns")
                prompt = gr.Textbox(
                    start.example.prompt,
                    label="Prompt",
                    lines=2,
                    max_lines=12,
                    elem_id="steer-prompt",
                    info="Best where the model could go either way. Shift+Enter generates.",
                    placeholder="What should the model answer?",
                )
                examples = board(example_chips(frame), elem_id="steer-examples")
            with gr.Group(elem_classes="sp-card sp-mix"):
                gr.HTML(
                    '<div class="sp-cardhead"><h2>Mix</h2><small>added to the residual stream; ┊ worth trying, '
                    "▨ text breaks</small></div>"
                )
                hint = gr.HTML(set_hint(frame, names), elem_id="steer-hint")
                mixed = gr.State(0)
                rows = [mix_row.build(slot, row, names, load) for slot, row in enumerate(mix)]
                beyond = gr.State(0)
                more = gr.Column(elem_id="mix-more", elem_classes="sp-mixrows")
                with gr.Row(elem_classes="sp-tight sp-addrow"):
                    add_vector = gr.Button("+ vector", size="sm", elem_id="mix-add-vector", elem_classes="sp-add")
                    add_average = gr.Button("+ average", size="sm", elem_id="mix-add-average", elem_classes="sp-add")
                    undo = gr.Button("↶ undo", size="sm", elem_id="mix-undo", min_width=74, scale=0)
                    redo = gr.Button("↷ redo", size="sm", elem_id="mix-redo", min_width=74, scale=0)
            with gr.Accordion(
                "Options: format, positions, scales, sampling", open=False, elem_id="steer-options"
            ):
                mode = gr.Radio(
                    ["chat", "raw"], value="chat", label="Format", elem_id="steer-mode", elem_classes="sp-inline",
                    info="chat: the model's template",
                )
                units = gr.Radio(
                    list(mixer.UNITS), value=mixer.UNITS[0], label="Scales", elem_id="steer-units",
                    elem_classes="sp-inline", info="over the reference norm, or the norm",
                )
                positions = positions_picker("steer-positions", "tokens at which the mix is added")
                thinking = gr.Checkbox(
                    False,
                    label="Thinking",
                    elem_id="steer-thinking",
                    info="let the model think aloud before it answers",
                    visible=loaded is not None and can_think(loaded),
                )
                system = gr.Textbox(
                    start.example.system or "",
                    label="System prompt",
                    lines=1,
                    max_lines=6,
                    elem_id="steer-system",
                    info="Left empty: the template's own.",
                    placeholder="You are …",
                )
                with gr.Row(elem_classes="sp-tight"):
                    tokens = gr.Slider(
                        1,
                        defaults.longest(),
                        defaults.MAX_NEW_TOKENS,
                        step=1,
                        label="Length",
                        info=f"new tokens, {at_most(defaults.longest())}",
                        elem_id="steer-tokens",
                        min_width=200,
                        buttons=[],
                    )
                    samples = gr.Slider(
                        1,
                        defaults.most_samples(),
                        1,
                        step=1,
                        label="Samples",
                        info=f"texts a side, {at_most(defaults.most_samples())}",
                        elem_id="steer-samples",
                        min_width=200,
                        buttons=[],
                    )
                with gr.Row(elem_classes="sp-tight"):
                    temperature = gr.Slider(
                        0,
                        2,
                        0.0,
                        step=0.05,
                        label="Temperature",
                        info="0 is greedy; 0.7 shows the spread",
                        elem_id="steer-temperature",
                        min_width=200,
                        buttons=[],
                    )
                    top_p = gr.Slider(
                        0.05,
                        1,
                        1.0,
                        step=0.05,
                        label="Top-p",
                        info="share of probability kept",
                        elem_id="steer-top-p",
                        min_width=200,
                        buttons=[],
                    )
                seed = gr.Number(0, label="Seed", info="same seed, same texts", precision=0, elem_id="steer-seed")
            with gr.Row(elem_classes="sp-actions"):
                generate_button = gr.Button(
                    "Generate", variant="primary", elem_id="steer-generate", min_width=120, scale=0
                )
                cost = gr.HTML("", elem_id="steer-cost", min_width=120, scale=2)
            notice = gr.HTML("", elem_id="steer-notice")
        with gr.Column(scale=8, min_width=330):
            first_minute = gr.HTML("" if ready is None else guide.card(), elem_id="guide")
            with gr.Row(elem_classes="sp-tight sp-checks sp-beside"):
                negative = gr.Checkbox(False, label="opposite sign", elem_id="steer-negative", **small)
                random = gr.Checkbox(False, label="random control, same norm", elem_id="steer-random", **small)
                colour = gr.Checkbox(False, label="colour tokens by KL", elem_id="steer-colour", **small)
                share = gr.Button("↗ Share", elem_id="steer-share", size="sm", min_width=80, scale=0)
            written = board(
                panes.waiting(("baseline", "steered")) if ready is None else ready.panes,
                elem_id="steer-panes", elem_classes="sp-panes",
            )
            repeat = gr.HTML("" if ready is None else ready.note, elem_id="steer-command")
            shared = board("", elem_id="steer-shared", elem_classes="sp-shared")
            with gr.Row(elem_classes="sp-tight sp-striphead"):
                write_strip = gr.Button(
                    "Scale strip", size="sm", elem_id="steer-write-strip", elem_classes="sp-add", min_width=96, scale=0
                )
                gr.HTML('<p class="sp-hint">the prompt from −1 to 1½ times the found scale; a click goes there</p>')
            strip = board("" if ready is None else ready.strip, elem_id="steer-strip")
            drawer = board("", elem_id="steer-drawer")
            with gr.Row(elem_classes="sp-effects"):
                with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
                    gr.HTML('<div class="sp-cardhead"><h2>Next token, before and after</h2></div>')
                    shifts = gr.HTML("", elem_id="steer-shifts")
                with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
                    gr.HTML('<div class="sp-cardhead"><h2>Logit difference</h2></div>')
                    with gr.Row(elem_classes="sp-tight"):
                        first = gr.Textbox(
                            start.example.answers[0],
                            label="Target answer",
                            elem_id="steer-answer-1",
                            min_width=110,
                            max_lines=1,
                            info="up on the plot",
                        )
                        second = gr.Textbox(
                            start.example.answers[1],
                            label="Other answer",
                            elem_id="steer-answer-2",
                            min_width=110,
                            max_lines=1,
                            info="down on the plot",
                        )
                    curve = gr.Plot(
                        plots.waiting("The logit difference over scales comes here."),
                        show_label=False,
                        container=False,
                        elem_id="steer-curve",
                    )
                    curve_note = gr.HTML("", elem_id="steer-curve-note")

    inputs: list[Any] = [prompt, mode, system, thinking, positions, first, second]
    inputs += [tokens, temperature, top_p, samples, seed, negative, random, colour]
    return SteerTab(
        inputs=inputs, prompt=prompt, turns=turns, mode=mode, thinking=thinking, system=system, positions=positions,
        answers=(first, second), examples=examples, presets=preset_chips, guide=first_minute, tokens=tokens,
        temperature=temperature, top_p=top_p, samples=samples, seed=seed, units=units, mixed=mixed, rows=rows,
        beyond=beyond, more=more,
        hint=hint, add_vector=add_vector, add_average=add_average, undo=undo, redo=redo, beside=(negative, random),
        colour=colour, panes=written, share=share, shared=shared, write_strip=write_strip, strip=strip, drawer=drawer,
        shifts=shifts, curve=curve, curve_note=curve_note, repeat=repeat, notice=notice, generate=generate_button,
        cost=cost,
    )


def set_hint(frame: Frame, names: Sequence[str]) -> str:
    """Notice in the mixer while there is no model or no set; else nothing."""
    if frame.workbench.loaded is None:
        return markup.notice("No model is loaded: open the model strip at the top and load one.", "info")
    return "" if names else markup.notice(NO_SETS, "info")


def example_chips(frame: Frame) -> str:
    """Buttons of the examples for the loaded model."""
    return markup.chips([(example.key, example.key) for example in defaults.examples(frame.workbench.loaded)])


def outputs(tab: SteerTab) -> list[Any]:
    """All components that opening the page, another model or another tab may write to."""
    return [
        *tab.mix_outputs,
        tab.hint,
        tab.units,
        tab.positions,
        tab.prompt,
        tab.turns,
        tab.mode,
        tab.thinking,
        tab.system,
        *tab.answers,
        tab.examples,
        tab.presets,
        tab.guide,
        tab.panes,
        tab.strip,
        tab.repeat,
        tab.shared,
        tab.notice,
    ]
