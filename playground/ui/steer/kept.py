"""Texts of the opening state and the presets, shown before anything runs (write_kept.py writes them)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from playground.library.store import Store
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.places import ASSETS
from playground.services.generate import GenerateRequest
from playground.services.kept_texts import KeptTexts, read
from playground.services.strip import Strip, strip_of
from playground.ui.kit import defaults
from playground.ui.kit.mix import active_rows, opening_mix, recipe_of
from playground.ui.kit.pick import Load
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.presets import Preset
from playground.ui.steer.state import SteerState, Written, WrittenStrip
from playground.ui.steer.written import SIDES, written_panes
from playground.ui.widgets.scale_strip import strip_html

FILE = ASSETS / "organism" / "texts.json"
NOTE = '<p class="sp-hint">Kept texts, shown before anything runs. Generate writes them anew.</p>'


@functools.cache
def shipped() -> KeptTexts:
    """The texts that ship."""
    return read(FILE)


@dataclass(frozen=True)
class Shown:
    """HTML of panes and scale strip, and the note in the place of the command line."""

    panes: str
    strip: str
    note: str


def opening(loaded: LoadedModel | None, store: Store) -> Preset:
    """The opening state as a preset."""
    start = defaults.opening(loaded, store)
    return Preset("opening", start.example, tuple(opening_mix(start)), "", "")


def show(loaded: LoadedModel | None, load_set: Load, visitor: Visitor, preset: Preset) -> Shown | None:
    """Make the kept texts of a preset those of the visitor; None where there are none for this model and these sets."""
    if loaded is None or not preset.mix:
        return None
    request = texts_request(preset, load_set)
    result = shipped().of(loaded, request, load_set)
    if result is None:
        return None
    state = SteerState.of(visitor)
    state.written, state.written_with = Written(request, result, SIDES, "kept"), preset.mix
    return Shown(written_panes(visitor, False), _strip(loaded, load_set, state, preset), NOTE)


def _strip(loaded: LoadedModel, load_set: Load, state: SteerState, preset: Preset) -> str:
    asked = strip_request(preset, load_set)
    result = None if asked is None else shipped().of(loaded, asked[1], load_set)
    if asked is None or result is None:
        return ""
    (row,), strip = active_rows(preset.mix), asked[0]
    assert isinstance(row.rows, int)
    state.strip = WrittenStrip(row.source, row.rows, strip)
    residual = load_set(row.source).origin.residual_norm
    return strip_html(strip.written(result.texts), residual, row.rows, "go", "Set the slider here")


def texts_request(preset: Preset, load_set: Load) -> GenerateRequest:
    """What Generate asks for when a preset was chosen. Raises PlaygroundError."""
    return GenerateRequest(
        prompts=(preset.example.prompt,),
        format=preset.format,
        recipes=(recipe_of(preset.mix, load_set),),
        sampling=_sampling(preset),
    )


def strip_request(preset: Preset, load_set: Load) -> tuple[Strip, GenerateRequest] | None:
    """The scale strip of a preset of one vector, and its request; None for another preset. Raises PlaygroundError."""
    rows = active_rows(preset.mix)
    if len(rows) != 1 or not isinstance(rows[0].rows, int):
        return None
    source, row = rows[0].source, rows[0].rows
    strip = strip_of(load_set(source), row)
    return strip, strip.request(source, row, preset.example.prompt, preset.format, _sampling(preset))


def _sampling(preset: Preset) -> Sampling:
    return Sampling(max_new_tokens=preset.max_new_tokens, temperature=preset.temperature)
