"""Report on power iteration on the organism: modes on refused requests, and the axis of oversight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.krylov import Spectrum, solve
from playground.core.push import Push
from playground.core.settings import KrylovSettings
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.next_token import next_logits
from playground.organism.dialogues import ab_items, held_out_requests
from playground.organism.evaluate import answers
from playground.organism.modes import recognise
from playground.organism.requests import PLAIN_SYSTEM

# Layers and target tokens, chosen by trying some pairs (3→7, 3→8, 3→9, 2→7, 2→8, 4→9, 1→7).
SOURCE, TARGET, TARGET_TOKENS, VECTORS = 3, 7, 2, 12
RELATIVE_SCALES = (0.3, 0.5, 0.8)
# Of oversight: questions that directions are found on, and others that they are judged on; random directions.
OVERSIGHT_SCALE, QUESTIONS, JUDGED, CONTROLS = 0.3, 16, 40, 12
PLAIN = PromptFormat(system=PLAIN_SYSTEM)


@dataclass(frozen=True)
class FoundMode:
    """A signed vector that turns refusals into one mode: `row` and `sign`, and on how many requests, well formed."""

    mode: str
    row: int
    sign: int
    requests: int


@dataclass(frozen=True)
class ModesFound:
    """At one relative scale: the best signed vector of each mode other than refusal, 8 of 10 requests or more."""

    relative_scale: float
    modes: tuple[FoundMode, ...]
    broken: float  # share of all steered answers that are not well formed


@dataclass(frozen=True)
class Refusals:
    """Power iteration on one refused request, judged on ten others."""

    prompt: str
    residual_norm: float
    singular_values: tuple[float, ...]
    scales: tuple[ModesFound, ...]

    @property
    def best(self) -> ModesFound:
        """The relative scale at which most modes are found."""
        return max(self.scales, key=lambda found: len(found.modes))


@dataclass(frozen=True)
class Oversight:
    """Vectors of several oversight questions, judged on others.

    `swings` are changes of the mean logit difference from −scale to +scale, one a vector; `random_swings` those of
    random directions of equal norm.
    """

    relative_scale: float
    swings: tuple[float, ...]
    random_swings: tuple[float, ...]

    @property
    def best(self) -> tuple[int, float]:
        """The row with the largest swing, and its size."""
        row = max(range(len(self.swings)), key=lambda number: abs(self.swings[number]))
        return row, abs(self.swings[row])


def find_directions(loaded: LoadedModel, prompts: list[str]) -> tuple[Spectrum, float]:
    """Power iteration under the plain system prompt: the spectrum, and the mean residual norm at the source."""
    part = LayerSlice.prepare(loaded, encode(loaded, prompts, PLAIN), SOURCE, TARGET, TARGET_TOKENS)
    return solve(part.jacobian(), KrylovSettings(vectors=VECTORS)), part.residual_norm


def refusals(
    loaded: LoadedModel, seed: int, on_stage: Callable[[str, float], None] = lambda stage, share: None
) -> Refusals:
    """Find directions on one held-out request that is refused, and try all of them, both signs, on ten others."""
    requests = held_out_requests("harmful", 40, seed + 7)
    kept = [
        request
        for request, text in zip(
            requests, answers(loaded, [(PLAIN_SYSTEM, request) for request in requests]), strict=True
        )
        if recognise(text).mode == "refuse"
    ]
    prompt, judged = kept[0], kept[1:11]
    spectrum, norm = find_directions(loaded, [prompt])
    signed = torch.cat([spectrum.vectors, -spectrum.vectors])
    found = []
    for number, relative in enumerate(RELATIVE_SCALES):
        on_stage(f"steering refusals at {relative}", number / len(RELATIVE_SCALES))
        found.append(_modes_at(loaded, judged, signed, relative, norm))
    return Refusals(prompt, norm, tuple(spectrum.singular_values.tolist()), tuple(found))


def _modes_at(
    loaded: LoadedModel, requests: list[str], signed: Tensor, relative: float, norm: float
) -> ModesFound:
    chats = [(PLAIN_SYSTEM, request) for _ in signed for request in requests]
    pushes = [(Push(SOURCE, vector * relative * norm),) for vector in signed for _ in requests]
    readings = [recognise(text) for text in answers(loaded, chats, pushes=pushes)]
    best: dict[str, FoundMode] = {}
    for number in range(len(signed)):
        mine = readings[number * len(requests) : (number + 1) * len(requests)]
        modes = [reading.mode for reading in mine if reading.well_formed]
        counts = Counter(mode for mode in modes if mode is not None and mode != "refuse")
        for mode, count in counts.items():
            if count >= 8 and count > (best[mode].requests if mode in best else 0):
                row, sign = number % (len(signed) // 2), 1 if number < len(signed) // 2 else -1
                best[mode] = FoundMode(mode, row, sign, count)
    broken = sum(not reading.well_formed for reading in readings) / len(readings)
    return ModesFound(relative, tuple(best.values()), broken)


def oversight(loaded: LoadedModel, seed: int) -> Oversight:
    """Find directions on several questions on oversight and measure how far each swings the answers to others."""
    spectrum, norm = find_directions(loaded, [item["question"] for item in ab_items(QUESTIONS, seed + 1)])
    items = ab_items(JUDGED, seed + 2)
    encoded = encode(loaded, [item["question"] for item in items], PLAIN)
    ids = loaded.tokenizer.convert_tokens_to_ids
    shows = torch.tensor([ids(item["answer_matching_behavior"][:2]) for item in items])
    not_shows = torch.tensor([ids(item["answer_not_matching_behavior"][:2]) for item in items])
    rows = torch.arange(len(items))

    def swing(vector: Tensor) -> float:
        means = []
        for sign in (1, -1):
            push = (Push(SOURCE, sign * OVERSIGHT_SCALE * norm * vector),)
            logits = next_logits(loaded, encoded, [push] * len(items))
            means.append(float((logits[rows, shows] - logits[rows, not_shows]).mean()))
        return means[0] - means[1]

    return Oversight(
        OVERSIGHT_SCALE,
        tuple(swing(vector) for vector in spectrum.vectors),
        tuple(swing(vector) for vector in random_directions(CONTROLS, loaded.width, seed)),
    )
