"""Continuing a batch of prompts, each row steered in its own way, token by token.

Streamed and whole output come from the same code: whoever wants the tokens as they come passes `on_step`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from playground.core.edit import Edit, key
from playground.core.positions import Positions
from playground.errors import Cancelled, InputError
from playground.model.cut.memory import short_of_memory
from playground.model.finite import is_too_large
from playground.model.generation.sampling import Sampling, SeededChoice, sample_numbers, uniform_numbers
from playground.model.generation.streamed_text import StreamedText, whole_text
from playground.model.interrupt import interruptible
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, check_length
from playground.model.row_pushes import batch_edits
from playground.model.steering import steer

__all__ = ["Generation", "Sampling", "Step", "generate"]


@dataclass(frozen=True)
class Step:
    """State after one more token of every row."""

    index: int  # from 0
    token_ids: tuple[int | None, ...]  # None for a row that has ended
    texts: tuple[str, ...]  # the whole text so far of every row


@dataclass(frozen=True)
class Generation:
    """The finished rows, in the order of the prompts."""

    token_ids: tuple[tuple[int, ...], ...]  # generated ones only, without the token that ended the text
    texts: tuple[str, ...]
    finished: tuple[bool, ...]  # whether the model ended the text itself
    overflowed: tuple[bool, ...]  # whether it was cut where the model's numbers were not finite
    cancelled: bool
    seconds: float
    tokens_per_second: float  # of all rows together


def generate(
    loaded: LoadedModel,
    prompts: Encoded,
    pushes: Sequence[Sequence[Edit]],
    positions: Positions = "all",
    sampling: Sampling | None = None,
    on_step: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    samples: Sequence[int] | None = None,
) -> Generation:
    """Continue every row of `prompts`, adding to row i the directions `pushes[i]` at `positions`.

    An empty list leaves its row as the model is. `on_step` is called in this thread after each token. `cancelled` is
    asked in every block of every pass; what there is then is the result, which may be no token. `samples` says which
    sample of its prompt and pushes every row is, when the others are not in this batch; None counts equal rows in their
    order. Decoding defaults that come with a checkpoint (its temperature, repetition penalty, …) are not used:
    `sampling` says everything, except that the tokens which end a text are the checkpoint's.
    Errors: InputError when pushes do not fit the model or the rows, or the texts would be longer than the model reads;
    ModelError when memory runs out. A row whose logits are not finite ends there (`overflowed`), as does one whose push
    is too large for the model's norms; the others go on.
    """
    sampling = Sampling() if sampling is None else sampling
    if len(pushes) != len(prompts):
        raise InputError(f"Expected pushes for each of {len(prompts)} rows, got {len(pushes)}.")
    if samples is not None and len(samples) != len(prompts):
        raise InputError(f"Expected the number of a sample for each of {len(prompts)} rows, got {len(samples)}.")
    check_length(loaded, max(prompts.lengths), room=sampling.max_new_tokens)
    ends = _end_tokens(loaded)
    finite = _Finite(torch.tensor([is_too_large(row) for row in pushes], device=loaded.device))
    rows = _Rows(loaded, len(prompts), ends, finite, on_step)
    processors = LogitsProcessorList([finite, *_choice(loaded, prompts, pushes, sampling, samples)])
    model: Any = loaded.model  # that it generates is not in the type of all pretrained models
    begun = time.perf_counter()
    try:
        with (
            short_of_memory(loaded, f"for {len(prompts)} texts", "ask for fewer or shorter texts"),
            interruptible(loaded.model, cancelled),
            steer(loaded.model, batch_edits(pushes), positions, prompt_length=prompts.input_ids.shape[1]),
            _no_defaults(loaded),
        ):
            model.generate(
                prompts.input_ids.to(loaded.device),
                attention_mask=prompts.attention_mask.to(loaded.device),
                generation_config=GenerationConfig(
                    max_new_tokens=sampling.max_new_tokens,
                    do_sample=False,
                    eos_token_id=sorted(ends) or None,
                    pad_token_id=loaded.pad_id,
                    use_cache=True,
                    disable_compile=True,  # a compiled forward pass would not see hooks that come later
                ),
                logits_processor=processors,
                stopping_criteria=StoppingCriteriaList([_Stopped(finite)]),
                streamer=rows,
            )
    except Cancelled:
        if not cancelled():  # somebody else's
            raise
    seconds = time.perf_counter() - begun
    count = sum(map(len, rows.tokens))
    return Generation(
        token_ids=tuple(map(tuple, rows.tokens)),
        texts=tuple(whole_text(loaded.tokenizer, tokens) for tokens in rows.tokens),
        finished=tuple(ended and not cut for ended, cut in zip(rows.ended, rows.overflowed, strict=True)),
        overflowed=tuple(rows.overflowed),
        cancelled=cancelled() and not all(rows.ended) and rows.steps < sampling.max_new_tokens,
        seconds=seconds,
        tokens_per_second=count / seconds if count else 0.0,
    )


def _choice(
    loaded: LoadedModel,
    prompts: Encoded,
    pushes: Sequence[Sequence[Edit]],
    sampling: Sampling,
    samples: Sequence[int] | None,
) -> list[LogitsProcessor]:
    if sampling.temperature == 0:
        return []
    samples = row_samples(prompts, pushes) if samples is None else samples
    uniforms = uniform_numbers(prompts, samples, sampling)
    # float32 before the device, as some have no float64; numbers that round to 1 would ask for a token past the last.
    below_one = uniforms.float().clamp(max=1 - 2**-24)
    return [SeededChoice(sampling, below_one.to(loaded.device))]


def row_samples(prompts: Encoded, pushes: Sequence[Sequence[Edit]]) -> tuple[int, ...]:
    """Which sample of its prompt and pushes every row is: equal rows are counted in their order."""
    return sample_numbers(prompts, [key(row) for row in pushes])


def _end_tokens(loaded: LoadedModel) -> set[int]:
    """The tokens that end a text: those of the checkpoint's generation settings, and the tokenizer's."""
    given = loaded.model.generation_config.eos_token_id
    ends = set(given) if isinstance(given, (list, tuple)) else set() if given is None else {given}
    if loaded.tokenizer.eos_token_id is not None:
        ends.add(loaded.tokenizer.eos_token_id)
    return {token for token in ends if 0 <= token < loaded.token_count}  # others are never generated


@contextmanager
def _no_defaults(loaded: LoadedModel) -> Iterator[None]:
    """Keep transformers from filling what is not set with the checkpoint's decoding defaults."""
    before = loaded.model.generation_config
    loaded.model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        loaded.model.generation_config = before


class _Finite(LogitsProcessor):
    """Notes the rows whose logits are not finite (`overflowed`, (n,) bool), and replaces them by 0 before tokens
    are chosen.
    """

    def __init__(self, overflowed: Tensor) -> None:
        self.overflowed = overflowed

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.overflowed = self.overflowed | ~scores.amax(dim=-1).isfinite()  # NaN is larger than any number
        return scores.masked_fill_(self.overflowed[:, None], 0.0)


class _Stopped(StoppingCriteria):
    def __init__(self, finite: _Finite) -> None:
        self._finite = finite

    def __call__(self, input_ids: Tensor, scores: Tensor | None, **_: object) -> Tensor:
        return self._finite.overflowed


class _Rows(BaseStreamer):
    """Receives the prompts and then (n,) token ids a step; keeps the tokens, and the texts for `on_step`."""

    def __init__(
        self,
        loaded: LoadedModel,
        count: int,
        ends: set[int],
        finite: _Finite,
        on_step: Callable[[Step], None] | None,
    ) -> None:
        self.tokens: list[list[int]] = [[] for _ in range(count)]
        self.ended = [False] * count
        self.overflowed = [False] * count
        self.steps = 0
        self._texts = [StreamedText(loaded.tokenizer) for _ in range(count)]
        self._ends = ends
        self._finite = finite
        self._on_step = on_step
        self._prompts_seen = False

    def put(self, value: Tensor) -> None:
        if not self._prompts_seen:
            self._prompts_seen = True
            return
        new: list[int | None] = []
        for row, overflowed in enumerate(self._finite.overflowed.tolist()):
            if overflowed and not self.ended[row]:
                self.overflowed[row] = self.ended[row] = True
        for row, token in enumerate(value.tolist()):
            if self.ended[row] or token in self._ends:
                self.ended[row] = True
                new.append(None)
                continue
            self.tokens[row].append(token)
            if self._on_step is not None:
                self._texts[row].add(token)
            new.append(token)
        self.steps += 1
        if self._on_step is not None:
            self._on_step(Step(self.steps - 1, tuple(new), tuple(text.text for text in self._texts)))

    def end(self) -> None:
        """Nothing is held back."""
