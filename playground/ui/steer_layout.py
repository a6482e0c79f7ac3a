"""The controls of the Steer tab on the left, what they do on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.core.push import POSITIONS
from playground.ui import defaults, markup, mixer, plots
from playground.ui.frame import Frame, board
from playground.ui.mixer import MixControls, MixRow
from playground.ui.state import Visitor

WAIT_BASELINE = "Generate writes here what the model says by itself."
WAIT_STEERED = "Generate writes here what it says with the mix added, changed words in colour."
WAIT_CURVE = "The logit difference over scales comes here."
NO_SETS = "No set of vectors fits this model yet: compute vectors in Discover, or upload a file in Library."


@dataclass
class SteerTab:
    """The components other tabs reach for."""

    rows: list[MixControls]
    inputs: list[Any]
    prompt: gr.Textbox
    mode: gr.Radio
    system: gr.Textbox
    positions: gr.Radio
    tokens: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    samples: gr.Slider
    seed: gr.Number
    answers: tuple[gr.Textbox, gr.Textbox]
    examples: gr.HTML
    hint: gr.HTML
    add_vector: gr.Button
    add_average: gr.Button
    baseline: gr.HTML
    steered: gr.HTML
    shifts: gr.HTML
    curve: gr.Plot
    curve_note: gr.HTML
    repeat: gr.HTML
    notice: gr.HTML
    generate: gr.Button
    stop: gr.Button

    @property
    def mix_inputs(self) -> list[Any]:
        """The values of the mixer, a row after the other."""
        return [value for controls in self.rows for value in controls.values]

    def mix_updates(self, frame: Frame, visitor: Visitor, mix: Sequence[MixRow]) -> dict[Any, Any]:
        """Updates that make the mixer show exactly `mix`."""
        names = frame.set_choices(visitor)
        load = frame.load_set(visitor)
        updates: dict[Any, Any] = {}
        visitor.mix_sets = mixer.sets_of(mix)
        for index, controls in enumerate(self.rows):
            updates |= controls.show(mix[index] if index < len(mix) else None, names, load)
        updates[self.hint] = set_hint(frame, names)
        return updates

    def cleared(self) -> dict[Any, Any]:
        """Updates that empty what was written by another model or prompt."""
        return {
            self.baseline: markup.pane("baseline", (), waiting=WAIT_BASELINE),
            self.steered: markup.pane("steered", (), waiting=WAIT_STEERED),
            self.repeat: "",
            self.notice: "",
        }


def build(frame: Frame) -> SteerTab:
    """The components, filled in for the model and the sets there are: a page that opens full needs no second pass."""
    loaded, blank = frame.workbench.loaded, Visitor("")
    start = defaults.opening(loaded, frame.workbench.store)
    names, load = frame.set_choices(blank), frame.load_set(blank)
    mix = [*mixer.opening_mix(start), *[MixRow(None)] * defaults.MIX_ROWS][: defaults.MIX_ROWS]
    with gr.Row(elem_classes="sp-columns"):
        with gr.Column(scale=5, min_width=330, elem_classes="sp-controls"):
            with gr.Group(elem_classes="sp-card"):
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
                with gr.Row(elem_classes="sp-tight"):
                    mode = gr.Radio(
                        ["chat", "raw"],
                        value="chat",
                        label="Format",
                        elem_id="steer-mode",
                        scale=2,
                        min_width=130,
                        info="chat: the model's template",
                    )
                    positions = gr.Radio(
                        list(POSITIONS),
                        value="all",
                        label="Positions",
                        elem_id="steer-positions",
                        scale=3,
                        min_width=240,
                        info="tokens at which the mix is added",
                    )
                with gr.Accordion("System prompt", open=False, elem_id="steer-system-box"):
                    system = gr.Textbox(
                        start.example.system or "",
                        label="System prompt",
                        lines=2,
                        max_lines=6,
                        elem_id="steer-system",
                        info="Left empty: the template's own.",
                        placeholder="You are …",
                    )
            with gr.Group(elem_classes="sp-card sp-mix"):
                gr.HTML(
                    '<div class="sp-cardhead"><h3>Mix</h3><small>what is added to the residual stream; relative scale: '
                    "its norm over the mean norm there (× native: over the norm the method gave), ┊ marks one worth "
                    "trying</small></div>"
                )
                hint = gr.HTML(set_hint(frame, names), elem_id="steer-hint")
                rows = [mixer.build_row(index, row, names, load) for index, row in enumerate(mix)]
                with gr.Row(elem_classes="sp-tight sp-addrow"):
                    add_vector = gr.Button("+ vector", size="sm", elem_id="mix-add-vector", elem_classes="sp-add")
                    add_average = gr.Button("+ average", size="sm", elem_id="mix-add-average", elem_classes="sp-add")
            with gr.Accordion("Sampling", open=False, elem_id="steer-sampling"):
                with gr.Row(elem_classes="sp-tight"):
                    tokens = gr.Slider(
                        1,
                        512,
                        defaults.MAX_NEW_TOKENS,
                        step=1,
                        label="Length",
                        info="new tokens at most",
                        elem_id="steer-tokens",
                        min_width=200,
                        buttons=[],
                    )
                    samples = gr.Slider(
                        1,
                        8,
                        1,
                        step=1,
                        label="Samples",
                        info="texts a side",
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
                generate_button = gr.Button("Generate", variant="primary", elem_id="steer-generate", min_width=120)
                stop = gr.Button("Stop", variant="secondary", elem_id="steer-stop", min_width=80, scale=0)
            notice = gr.HTML("", elem_id="steer-notice")
        with gr.Column(scale=8, min_width=330):
            with gr.Row(elem_classes="sp-panes"):
                with gr.Column(min_width=280):
                    baseline = gr.HTML(markup.pane("baseline", (), waiting=WAIT_BASELINE), elem_id="steer-baseline")
                with gr.Column(min_width=280):
                    steered = gr.HTML(markup.pane("steered", (), waiting=WAIT_STEERED), elem_id="steer-steered")
            repeat = gr.HTML("", elem_id="steer-command")
            with gr.Row(elem_classes="sp-effects"):
                with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
                    gr.HTML('<div class="sp-cardhead"><h3>Next token, before and after</h3></div>')
                    shifts = gr.HTML("", elem_id="steer-shifts")
                with gr.Column(min_width=280, elem_classes="sp-card sp-figure"):
                    gr.HTML('<div class="sp-cardhead"><h3>Logit difference</h3></div>')
                    with gr.Row(elem_classes="sp-tight"):
                        first = gr.Textbox(
                            start.example.answers[0],
                            label="Answer that shows it",
                            elem_id="steer-answer-1",
                            min_width=110,
                            max_lines=1,
                            info="up on the plot",
                        )
                        second = gr.Textbox(
                            start.example.answers[1],
                            label="Answer that does not",
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

    inputs: list[Any] = [prompt, mode, system, positions, first, second, tokens, temperature, top_p, samples, seed]
    for controls in rows:
        inputs += controls.values
    return SteerTab(
        rows=rows, inputs=inputs, prompt=prompt, mode=mode, system=system, positions=positions, tokens=tokens,
        temperature=temperature, top_p=top_p, samples=samples, seed=seed, answers=(first, second), examples=examples,
        hint=hint, add_vector=add_vector, add_average=add_average, baseline=baseline, steered=steered, shifts=shifts,
        curve=curve, curve_note=curve_note, repeat=repeat, notice=notice, generate=generate_button, stop=stop,
    )


def set_hint(frame: Frame, names: Sequence[str]) -> str:
    """What stands in the mixer while there is nothing to mix."""
    if frame.workbench.loaded is None:
        return markup.notice("No model is loaded: open the model strip at the top and load one.", "info")
    return "" if names else markup.notice(NO_SETS, "info")


def example_chips(frame: Frame) -> str:
    return markup.chips([(example.key, example.key) for example in defaults.examples(frame.workbench.loaded)])
