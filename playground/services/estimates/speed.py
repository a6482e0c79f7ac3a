"""Speed of the loaded model on this machine, from short passes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.reading.next_token import next_logits
from playground.services.estimates.work import Work

TOKENS = 64
"""Tokens of the longer one of the two passes that are timed; the other one has a single token."""
_TRIES = 6
_LONGEST = 0.4
"""Seconds after which no pass is tried again. Where one with a single token takes half of that, the longer one is left
out: a token is taken to cost as little as where the weights are all that is read."""


@dataclass(frozen=True)
class Speed:
    """Seconds of a pass through the model with one token, and of one with TOKENS tokens."""

    short: float
    long: float

    def seconds(self, work: Work) -> float:
        """Seconds of work at this speed."""
        token = max(self.long - self.short, _LEAST * self.short) / (TOKENS - 1)
        return max(self.short - token, 0.0) * work.calls + token * work.tokens

    def or_faster(self, other: Speed) -> Speed:
        """The faster of two measurements: what else a machine did makes a pass slower, never faster."""
        return Speed(min(self.short, other.short), min(self.long, other.long))


_LEAST = 0.1
"""What TOKENS tokens add to a pass at least, of a pass with one."""


def measure_speed(loaded: LoadedModel) -> Speed:
    """The speed of a model that nobody uses at the moment, in half a second or two passes."""
    begun = time.perf_counter()
    short = long = float("inf")
    for _ in range(_TRIES):
        short = min(short, _pass(loaded, 1))
        if short > _LONGEST / 2:
            return Speed(short, min(long, 2 * short))
        long = min(long, _pass(loaded, TOKENS))
        if time.perf_counter() - begun > _LONGEST:
            break
    return Speed(short, long)


def _pass(loaded: LoadedModel, tokens: int) -> float:
    ids = torch.full((1, tokens), loaded.pad_id)
    begun = time.perf_counter()
    next_logits(loaded, Encoded(ids, torch.ones_like(ids), (tokens,)), [()])
    return time.perf_counter() - begun
