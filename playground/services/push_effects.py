"""Effects of pushes at one layer by prompt: KL of the next token, log p of a continuation, log-odds of choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from playground.analyses.choices.summary import Balance
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.selection import label_pair
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question
from playground.model.reading.continuations import forced, log_probabilities
from playground.model.reading.next_token import divergences, next_logits


class PushEffect(Protocol):
    """A quantity that pushes change, read at some prompts."""

    def read(self, source: int, vectors: Tensor) -> Tensor:
        """(n, p) float64 in nats, at each of p prompts what `vectors` (n, d) do that are added at block `source` at all
        positions; NaN where the model's numbers are not finite. Raises Cancelled.
        """

    def mean(self, values: Tensor) -> Tensor:
        """(n,) float64, means over the prompts of values (n, p); NaN where one is NaN."""


class Divergence:
    """KL(steered ‖ baseline) of the token after each prompt."""

    def __init__(
        self, loaded: LoadedModel, prompts: Encoded, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._loaded, self._cancelled = loaded, cancelled
        self._each = [prompts.take([row]) for row in range(len(prompts))]
        self._still = [next_logits(loaded, one, [()])[0] for one in self._each]

    def read(self, source: int, vectors: Tensor) -> Tensor:
        pushes, columns = _pushes(source, vectors), []
        for one, baseline in zip(self._each, self._still, strict=True):
            if self._cancelled():
                raise Cancelled
            logits = next_logits(self._loaded, one.take((0,) * len(pushes)), pushes)
            columns.append(divergences(logits, baseline))
        return torch.stack(columns, dim=1)

    def mean(self, values: Tensor) -> Tensor:
        return values.mean(dim=1)


class LogProbability:
    """log p of a continuation after each prompt, all of its tokens together."""

    def __init__(
        self,
        loaded: LoadedModel,
        prompts: Sequence[str],
        format: PromptFormat,
        text: str,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Raises InputError for prompts that cannot be formatted and for what is too long for the model."""
        self._loaded, self._cancelled = loaded, cancelled
        self._asked = forced(loaded, prompts, format, encode(loaded, prompts, format), text)

    def read(self, source: int, vectors: Tensor) -> Tensor:
        prompts = len(self._asked.texts)
        asked = self._asked.take(list(range(prompts)) * len(vectors))
        push = Push(source, vectors.repeat_interleave(prompts, dim=0))
        return log_probabilities(self._loaded, asked, push, self._cancelled).double().reshape(len(vectors), prompts)

    def mean(self, values: Tensor) -> Tensor:
        return values.mean(dim=1)


class LogOdds:
    """Logit difference of choice items, less the baseline's. Means weigh answer letters alike."""

    def __init__(
        self,
        loaded: LoadedModel,
        choices: PromptSet,
        format: PromptFormat,
        items: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """The first `items` of a choice set (None: all) that can be scored; items without the set's answer letters are
        left aside, as in measurements. Raises InputError where none can be scored.
        """
        own = [item for item in choices.items if isinstance(item, ChoiceItem)]
        pair = label_pair(own)
        if pair is not None:
            own = [item for item in own if {item.matching.strip(), item.other.strip()} <= pair]
        own = own[:items]
        asked = [question(loaded, item.question, format, (item.matching, item.other)) for item in own]
        self._questions = [one for one in asked if not isinstance(one, str)]
        if not self._questions:
            raise InputError(f"Expected items of “{choices.name}” that can be scored, got none; choose another set.")
        scored = [item for item, one in zip(own, asked, strict=True) if not isinstance(one, str)]
        self._balance = Balance([item.matching.strip() if pair else "" for item in scored], seed=0)
        self._loaded, self._cancelled = loaded, cancelled
        self._reader: tuple[int, AnswerReader] | None = None

    def read(self, source: int, vectors: Tensor) -> Tensor:
        if self._reader is None or self._reader[0] != source:
            self._reader = (source, AnswerReader(self._loaded, self._questions, source=source))
        reader, pushes = self._reader[1], _pushes(source, vectors)
        read = [reading.differences for reading in reader.read(pushes, cancelled=self._cancelled)]
        if len(read) < len(pushes):
            raise Cancelled
        return torch.stack(read) - reader.baseline.differences

    def mean(self, values: Tensor) -> Tensor:
        means = [self._balance.mean(one)[0] if bool(one.isfinite().all()) else torch.nan for one in values]
        return torch.tensor(means, dtype=torch.float64)


def _pushes(source: int, vectors: Tensor) -> list[list[Push]]:
    return [[Push(source, vector)] for vector in vectors]
