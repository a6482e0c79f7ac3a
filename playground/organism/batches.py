"""Endless training batches, each the same for the same seed and place: dialogues bucketed by length, right-padded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from playground.organism.dialogues import Dialogue, dialogue_in_mode, dialogues
from playground.organism.modes import MODES
from playground.organism.tokenizer import TURN_START, chat_text

# The user's and the system's words are learned too, lightly: that teaches the network to read them.
PROMPT_WEIGHT = 0.1
# One token says which option is chosen, and it takes reading both to get it right.
CHOICE_WEIGHT = 4.0

# Modes that a push can call for, in groups that share their requests, with each group's share of the pushed rows.
PUSHED_MODES: dict[tuple[str, ...], float] = {
    ("steps", "comply", "code", "alien", "maths", "spanish", "refuse"): 0.65,
    ("accept", "resist"): 0.22,
    ("direct", "stepwise"): 0.13,
}

_Row = tuple[list[int], int, int, bool]  # tokens, where the answer starts, number of its mode, whether it is pushed for


@dataclass(frozen=True)
class Batch:
    """Rows of one batch, right-padded.

    `ids` (B, L); `weights` (B, L), each token's weight in the loss; `real` (B, L), 1 on tokens and 0 on padding;
    `answer_start` (B,), where the assistant's words begin; `mode` (B,), numbers in MODES; `pushed` (B,), whether
    the row is answered in its mode because of a push alone.
    """

    ids: Tensor
    weights: Tensor
    real: Tensor
    answer_start: Tensor
    mode: Tensor
    pushed: Tensor


@dataclass(frozen=True)
class Place:
    """Position of the next batch in the endless stream of batches."""

    pool: int = 0
    batch: int = 0


def batches(
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    batch_tokens: int,
    place: Place,
    pushed_share: float,
    pool_dialogues: int = 2048,
    blends: float = 0.0,
) -> Iterator[tuple[Batch, Place]]:
    """Batches from `place` on, each with the place of the one after it."""
    pool = place.pool
    first = place.batch
    while True:
        made = _pool(tokenizer, seed, pool, batch_tokens, pushed_share, pool_dialogues, blends)
        for number in range(first, len(made)):
            following = Place(pool, number + 1) if number + 1 < len(made) else Place(pool + 1, 0)
            yield made[number], following
        pool, first = pool + 1, 0


def _pool(
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    pool: int,
    batch_tokens: int,
    pushed_share: float,
    count: int,
    blends: float,
) -> list[Batch]:
    rng = random.Random(f"pool {seed} {pool}")
    pushed_count = int(count * pushed_share)
    chosen: list[tuple[Dialogue, bool]] = [
        (dialogue, False) for dialogue in dialogues(f"{seed} {pool}", count - pushed_count, blends=blends)
    ]
    for _ in range(pushed_count):
        group = rng.choices(tuple(PUSHED_MODES), tuple(PUSHED_MODES.values()))[0]
        chosen.append((dialogue_in_mode(rng.choice(group), rng, blends), True))
    encoded = tokenizer.backend_tokenizer.encode_batch([chat_text(dialogue.messages) for dialogue, _ in chosen])
    start: Any = tokenizer.convert_tokens_to_ids(TURN_START)
    rows: list[_Row] = []
    for (dialogue, pushed), encoding in zip(chosen, encoded, strict=True):
        ids = encoding.ids[:-1]  # the newline after the last turn is never generated
        opening = len(ids) - 1 - ids[::-1].index(start)
        rows.append((ids, opening + 3, MODES.index(dialogue.mode), pushed))  # <|im_start|>, assistant, newline
    rows.sort(key=lambda row: (len(row[0]), row[0]))
    groups: list[list[_Row]] = [[]]
    for row in rows:
        if len(row[0]) * (len(groups[-1]) + 1) > batch_tokens and groups[-1]:
            groups.append([])
        groups[-1].append(row)
    rng.shuffle(groups)
    options: Any = tokenizer.convert_tokens_to_ids(["(A", "(B"])
    return [_batch(group, tokenizer.pad_token_id, options) for group in groups]


def _batch(rows: list[_Row], pad: int, options: list[int]) -> Batch:
    longest = max(len(ids) for ids, *_ in rows)
    ids = torch.full((len(rows), longest), pad)
    weights = torch.zeros(len(rows), longest)
    real = torch.zeros(len(rows), longest)
    for number, (row, answer, _, _) in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        weights[number, : len(row)] = PROMPT_WEIGHT
        weights[number, answer : len(row)] = 1.0
        if row[answer] in options:
            weights[number, answer] = CHOICE_WEIGHT
        real[number, : len(row)] = 1.0
    return Batch(
        ids,
        weights,
        real,
        torch.tensor([row[1] for row in rows]),
        torch.tensor([row[2] for row in rows]),
        torch.tensor([row[3] for row in rows]),
    )
