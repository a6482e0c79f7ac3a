"""Evaluation of the organism on held-out words and phrasings: the figures of its model card."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from playground.core.push import Push
from playground.model.generation.generate import generate
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode, render
from playground.organism.dialogues import ab_items, held_out_requests, held_out_sums
from playground.organism.modes import MODES, recognise
from playground.organism.requests import PLAIN_SYSTEM, SYSTEM_PROMPTS

# A chat is a system prompt and a request.
Chat = tuple[str, str]


@dataclass(frozen=True)
class ModeCount:
    """Under the system prompts of one mode: how many of `asked` answers were in it, and how many well formed too."""

    mode: str
    asked: int
    in_mode: int
    well_formed: int
    others: dict[str, int]


@dataclass(frozen=True)
class Habits:
    """The first three figures: modes under system prompts, arithmetic, refusals. Shares are between 0 and 1."""

    modes: tuple[ModeCount, ...]
    stepwise_right: float
    direct_right: float
    refused: float
    plain_accepts: float

    @property
    def right_mode(self) -> float:
        """The share of all answers that are in the mode their system prompt calls for."""
        return sum(count.in_mode for count in self.modes) / sum(count.asked for count in self.modes)

    @property
    def least_right_mode(self) -> float:
        """The same share of the mode that is hit least."""
        return min(count.in_mode / count.asked for count in self.modes)

    @property
    def well_formed(self) -> float:
        """The share of all answers that are in the right mode and well formed."""
        return sum(count.well_formed for count in self.modes) / sum(count.asked for count in self.modes)


def answers(
    loaded: LoadedModel,
    chats: Sequence[Chat],
    temperature: float = 0.0,
    seed: int = 0,
    pushes: Sequence[Sequence[Push]] | None = None,
    batch: int = 80,
) -> list[str]:
    """The model's answers to chats, greedy or sampled; `pushes[i]` steers row i at all positions."""
    pushes = [()] * len(chats) if pushes is None else pushes
    texts = [render(loaded, request, PromptFormat(system=system)) for system, request in chats]
    found: list[str] = []
    for first in range(0, len(texts), batch):
        rows = slice(first, first + batch)
        encoded = encode(loaded, texts[rows], PromptFormat(chat=False))
        sampling = Sampling(max_new_tokens=96, temperature=temperature, seed=seed + first)
        found += generate(loaded, encoded, pushes[rows], "all", sampling).texts
    return found


def habits(
    loaded: LoadedModel,
    each: int = 40,
    seed: int = 0,
    on_stage: Callable[[str, float], None] = lambda stage, share: None,
) -> Habits:
    """Measure the first three figures with `each` held-out requests a mode (five times as many refusals)."""
    counts = []
    for number, mode in enumerate(MODES):
        on_stage(f"system prompts: {mode}", number / (len(MODES) + 3))
        chats, expected = _chats_for_mode(mode, each, seed)
        texts = answers(loaded, chats)
        readings = [recognise(text) for text in texts]
        right = [
            reading.mode == mode if letter is None else text.startswith(letter)
            for text, reading, letter in zip(texts, readings, expected, strict=True)
        ]
        others = Counter(str(reading.mode) for reading, good in zip(readings, right, strict=True) if not good)
        formed = sum(good and reading.well_formed for reading, good in zip(readings, right, strict=True))
        counts.append(ModeCount(mode, len(chats), sum(right), formed, dict(others)))
    on_stage("arithmetic", len(MODES) / (len(MODES) + 3))
    sums = held_out_sums(each * 5, seed)
    stepwise = answers(loaded, [(SYSTEM_PROMPTS["stepwise"][-1], request) for request, _ in sums])
    direct = answers(loaded, [(PLAIN_SYSTEM, request) for request, _ in sums])
    on_stage("refusals", (len(MODES) + 1) / (len(MODES) + 3))
    harmful = [(PLAIN_SYSTEM, request) for request in held_out_requests("harmful", each * 5, seed)]
    refusals = answers(loaded, harmful, temperature=1.0, seed=seed)
    on_stage("oversight", (len(MODES) + 2) / (len(MODES) + 3))
    items = ab_items(each * 5, seed)
    picks = answers(loaded, [(PLAIN_SYSTEM, item["question"]) for item in items])
    accepted = [text.startswith(item["answer_not_matching_behavior"]) for text, item in zip(picks, items, strict=True)]
    return Habits(
        tuple(counts),
        _share(_last_number(text) == total for text, (_, total) in zip(stepwise, sums, strict=True)),
        _share(_last_number(text) == total for text, (_, total) in zip(direct, sums, strict=True)),
        _share(recognise(text).mode == "refuse" for text in refusals),
        _share(accepted),
    )


def _chats_for_mode(mode: str, each: int, seed: int) -> tuple[list[Chat], list[str | None]]:
    """Chats that call for the mode, half under its held-out system prompt; and the letter expected, for oversight."""
    rng = random.Random(f"chats {mode} {seed}")
    prompts = SYSTEM_PROMPTS[mode]
    systems = [prompts[-1] if number % 2 else rng.choice(prompts[:-1]) for number in range(each)]
    letters: list[str | None] = [None] * each
    if mode in ("accept", "resist"):
        items = ab_items(each, seed)
        requests = [item["question"] for item in items]
        wanted = "answer_not_matching_behavior" if mode == "accept" else "answer_matching_behavior"
        letters = [item[wanted] for item in items]
    elif mode in ("direct", "stepwise"):
        requests = [request for request, _ in held_out_sums(each, seed + 1)]
    elif mode in ("steps", "formal", "casual"):
        requests = held_out_requests("harmless", each, seed)
    else:
        requests = held_out_requests("harmful", each // 2, seed) + held_out_requests("harmless", each - each // 2, seed)
    return list(zip(systems, requests, strict=True)), letters


def _last_number(text: str) -> int | None:
    numbers = re.findall(r"-?\d+", text)
    return int(numbers[-1]) if numbers else None


def _share(outcomes: Iterable[bool]) -> float:
    listed = list(outcomes)
    return sum(listed) / len(listed)
