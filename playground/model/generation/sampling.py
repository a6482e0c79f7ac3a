"""Choosing the next token: greedy, or at a temperature with numbers drawn beforehand.

Every row has its own sequence of uniform numbers, from the seed, its prompt and its number as a sample. So a row
gives the same text whatever else is in the batch, the samples of one prompt differ, and the baseline and the steered
text of one sample use the same numbers: what differs between them is the steering. No global random state is used.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LogitsProcessor

from playground.limits import check_real, check_whole, limits
from playground.model.prompting import Encoded


@dataclass(frozen=True)
class Sampling:
    """How texts are continued. Temperature 0 is greedy decoding; `top_p` keeps the likeliest tokens of that total."""

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("number of new tokens", self.max_new_tokens, least=1, most=limits().new_tokens)
        check_real("temperature", self.temperature, least=0)
        check_real("top-p", self.top_p, least=0, most=1, above=True)
        check_whole("seed", self.seed, least=0, most=2**63 - 1)


class SeededChoice(LogitsProcessor):
    """Leaves of each row's scores only the token that is drawn, so that the arg-max which follows takes it.

    `uniforms` (steps, n) are used up one row of n a step, on the device of the scores and without waiting for it.
    """

    def __init__(self, sampling: Sampling, uniforms: Tensor) -> None:
        self._temperature = sampling.temperature
        self._top_p = sampling.top_p
        self._uniforms = uniforms
        self._step = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        tokens = draw(scores, self._temperature, self._top_p, self._uniforms[self._step])
        self._step += 1
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens[:, None], 0.0)


def draw(scores: Tensor, temperature: float, top_p: float, uniforms: Tensor) -> Tensor:
    """Tokens (n,) from logits (n, vocabulary), by inverting the cumulative distribution at `uniforms` (n,) in [0, 1).

    With `top_p` below 1 only the likeliest tokens count, as few as reach that total.
    """
    # Shifted first: a temperature near 0 then gives −∞, which is right, and never ∞ − ∞.
    scores = scores.float()
    probabilities = ((scores - scores.amax(dim=-1, keepdim=True)) / temperature).softmax(dim=-1)
    order = None
    if top_p < 1:
        probabilities, order = probabilities.sort(dim=-1, descending=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        probabilities = probabilities.masked_fill(before >= top_p, 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    # Scaled by the total, not divided: the last token with any probability is then never overstepped by rounding.
    points = uniforms.to(cumulative.dtype)[:, None] * cumulative[:, -1:]
    places = torch.searchsorted(cumulative, points, right=True)
    last = (probabilities > 0).long().mul(torch.arange(probabilities.shape[-1], device=scores.device)).amax(dim=-1)
    places = torch.minimum(places[:, 0], last)
    return places if order is None else order.gather(1, places[:, None])[:, 0]


def sample_numbers(prompts: Encoded, same: Sequence[object]) -> tuple[int, ...]:
    """The number of every row among the rows with its prompt and an equal entry of `same` (what is added to them).

    Such rows are samples of one thing, numbered from 0 in their order.
    """
    counts: Counter[tuple[object, object]] = Counter()
    numbers = []
    for row in range(len(prompts)):
        numbers.append(counts[_tokens(prompts, row), same[row]])
        counts[_tokens(prompts, row), same[row]] += 1
    return tuple(numbers)


def uniform_numbers(prompts: Encoded, numbers: Sequence[int], sampling: Sampling) -> Tensor:
    """The uniform numbers (steps, n) of a batch, float64 on the CPU; `numbers` are those of the samples.

    Rows with one prompt get equal ones for the same sample, whatever is added to them, and others for another sample.
    """
    columns = []
    for row, number in enumerate(numbers):
        name = hashlib.sha256(f"{sampling.seed} {number} {_tokens(prompts, row)}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(name[:8], "big") >> 1)
        columns.append(torch.rand(sampling.max_new_tokens, generator=generator, dtype=torch.float64))
    return torch.stack(columns, dim=1)


def _tokens(prompts: Encoded, row: int) -> tuple[int, ...]:
    return tuple(prompts.input_ids[row, -prompts.lengths[row] :].tolist())
