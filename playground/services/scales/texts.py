"""Greedy texts of steered prompts, classified in comparison with the baseline's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from playground.core.noise import is_noise, repetition
from playground.core.push import Push
from playground.errors import Cancelled, ModelError
from playground.model.cut.memory import smaller_batch
from playground.model.generation.batch import rows_together
from playground.model.generation.generate import Generation, Sampling, generate
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.reading.greedy_margin import greedy_margins
from playground.model.reading.text_likelihood import perplexities
from playground.services.scales.onsets import holding

if TYPE_CHECKING:
    from playground.services.scales.run import ScalesRequest

_MOST_ROWS = {"cpu": 24, "mps": 64}
"""Texts of a batch: a CPU gains little from more, and the first texts should not be waited for."""


@dataclass(frozen=True)
class Written:
    """A greedy text, the quantities that distinguish text from noise, and whether it differs from the baseline's."""

    text: str
    tokens: tuple[int, ...]
    repetition: float
    perplexity: float | None
    noise: bool = False
    differs: bool = False


class Reader:
    """Generates greedy texts on the shortest prompts of a set, with directions added at one layer.

    Prompts are counted from 0 in the order of their length; `number_of` gives their number in the set.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        prompts: Encoded,
        layer: int,
        request: ScalesRequest,
        cancelled: Callable[[], bool],
    ) -> None:
        order = sorted(range(len(prompts)), key=lambda row: prompts.lengths[row])[: request.prompts]
        self._numbers = order
        self._loaded = loaded
        self._encoded = prompts.take(order)
        self._layer = layer
        self._sampling = Sampling(max_new_tokens=request.tokens)
        self._cancelled = cancelled
        self._batch = rows_together(loaded, max(self._encoded.lengths) + request.tokens, _MOST_ROWS)
        self._baselines: dict[int, Written] = {}

    @property
    def prompts(self) -> int:
        """How many prompts there are."""
        return len(self._numbers)

    def number_of(self, prompt: int) -> int:
        """The number in the set of a prompt."""
        return self._numbers[prompt]

    def write(
        self,
        vectors: Sequence[Tensor],
        prompt: int,
        record: Callable[[Sequence[int], Sequence[Written]], None],
    ) -> None:
        """Continue a prompt with each of `vectors` (d,), scaled, added; `record` gets numbers and texts by batch.

        Raises Cancelled when it is stopped before the last batch is whole, ModelError when not one text fits.
        """
        begin = 0
        while begin < len(vectors):
            part = vectors[begin : begin + self._batch]
            try:
                texts = self._beside_baseline(prompt, part)
            except ModelError as error:
                self._batch = smaller_batch(self._batch, error)
                continue
            record(range(begin, begin + len(part)), texts)
            begin += len(part)

    def _beside_baseline(self, prompt: int, vectors: Sequence[Tensor]) -> list[Written]:
        """Classified texts of a prompt; its baseline is generated with the first of them, in the same batch."""
        pushes: list[tuple[Push, ...]] = [(Push(self._layer, vector),) for vector in vectors]
        if prompt not in self._baselines:
            baseline, *texts = self._written(prompt, [(), *pushes])
            self._baselines[prompt] = baseline
        else:
            baseline, texts = self._baselines[prompt], self._written(prompt, pushes)
        return [
            replace(text, noise=text.noise or is_noise(text, baseline), differs=text.tokens != baseline.tokens)
            for text in texts
        ]

    def _baseline(self, prompt: int) -> Written:
        if prompt not in self._baselines:
            self._baselines[prompt] = self._written(prompt, [()])[0]
        return self._baselines[prompt]

    @cached_property
    def still(self) -> Tensor:
        """Margins (T,) of the tokens of the first prompt's baseline that greedy decoding firmly chooses."""
        return self._unsteered[self._firm]

    def margins(self, vectors: Sequence[Tensor]) -> Tensor:
        """Margins (n, T) of the same tokens with each of `vectors` (d,) added (model/reading/greedy_margin.py)."""
        return self._all_margins(vectors)[:, self._firm]

    @cached_property
    def _unsteered(self) -> Tensor:
        """Margins of all tokens of the first prompt's baseline without a push."""
        return self._all_margins([torch.zeros(self._loaded.width)])[0]

    @cached_property
    def _firm(self) -> Tensor:
        return holding(self._unsteered)

    def _all_margins(self, vectors: Sequence[Tensor]) -> Tensor:
        tokens = self._baseline(0).tokens
        if not tokens:  # the model ends at once: there is nothing to hold on to
            return torch.zeros(len(vectors), 0)
        parts = []
        for begin in range(0, len(vectors), self._batch):
            if self._cancelled():
                raise Cancelled
            pushes = [(Push(self._layer, vector),) for vector in vectors[begin : begin + self._batch]]
            parts.append(greedy_margins(self._loaded, self._encoded.take([0]), tokens, pushes))
        return torch.cat(parts)

    def _written(self, prompt: int, pushes: Sequence[Sequence[Push]]) -> list[Written]:
        prompts = self._encoded.take([prompt] * len(pushes))
        done: Generation = generate(self._loaded, prompts, pushes, sampling=self._sampling, cancelled=self._cancelled)
        if done.cancelled:
            raise Cancelled
        likely = perplexities(self._loaded, prompts, done.token_ids)
        return [
            Written(text, tuple(tokens), repetition(tokens), perplexity, noise=cut)
            for text, tokens, perplexity, cut in zip(done.texts, done.token_ids, likely, done.overflowed, strict=True)
        ]
