"""Log-odds of answers under many pushes: what measuring on choices asks for.

Blocks 0..s run once for each question; from then on only blocks s+1..L−1 run, many pushes side by side, and the model's
own norm and head at the places that are read. Where the model can, questions run as trees of tokens
(question_trees.py), which is checked against the model itself; where it cannot (windows shorter than the questions,
ALiBi, …), every answer runs in a row of its own with left padding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from playground.core.positions import Positions
from playground.core.push import Push
from playground.errors import Cancelled, InputError, ModelError
from playground.model.blocks import counts_positions, decoder, decoder_blocks
from playground.model.cut.agreement import Refused, check_agreement, go_without
from playground.model.cut.memory import short_of_memory, smaller_batch
from playground.model.finite import is_too_large, kl_divergence
from playground.model.interrupt import interruptible
from playground.model.load import LoadedModel
from playground.model.reading.question_pass import QuestionCut, capture_questions, logits, run_before, run_questions
from playground.model.reading.question_trees import Layout, Question, rows, trees
from playground.model.row_pushes import batch_pushes

# Tokens of a pass, copies counted. On a CPU more of them fall out of its caches; other devices want large products.
_TOKENS = {"cpu": 1536}
_TOKENS_ELSEWHERE = 32768

# Logits that are held at once.
_LOGITS = {"cpu": 1 << 23}
_LOGITS_ELSEWHERE = 1 << 27

_CHECKED = 4  # questions that trees are checked on


@dataclass(frozen=True, eq=False)
class Reading:
    """What one list of pushes does, on the CPU: (n,) float64 each, one entry a question.

    `differences`: log-odds of the first answer over the second, summed over the tokens that are scored. `divergences`:
    KL(steered ‖ baseline) of the token where the answers part, in nats. Both are NaN where logits are not finite.
    """

    differences: Tensor
    divergences: Tensor


class AnswerReader:
    """Reads questions of one model under pushes. `baseline` is the reading without any."""

    def __init__(
        self, loaded: LoadedModel, questions: Sequence[Question], positions: Positions = "all", source: int = 0
    ) -> None:
        """Runs the baseline, and keeps what ran up to `source` for pushes there. Raises InputError for no questions,
        ModelError when memory runs out.
        """
        if not questions:
            raise InputError("Expected at least one question, got none.")
        self._loaded = loaded
        self._questions = tuple(questions)
        self._positions = positions
        self._budget = _TOKENS.get(loaded.device.type, _TOKENS_ELSEWHERE)
        self._most: int | None = None  # lists of pushes in a pass, set when memory has run out
        self._cuts: tuple[int, list[QuestionCut]] | None = None
        with _memory(loaded):
            self._layouts = self._laid_out(source)
            cuts = [capture_questions(loaded, layout, source, 1) for layout in self._layouts]
            self._still = self._unsteered(cuts)
            if self.as_trees:
                self._cuts = (source, cuts)
            self.baseline = self._judged(self._still)[0]

    @property
    def as_trees(self) -> bool:
        """Whether questions share what they begin with."""
        return self._layouts[0].is_tree

    @property
    def tokens(self) -> int:
        """Tokens that one list of pushes costs in each block, padding counted."""
        return len(self._layouts[0].prefix) + sum(layout.tokens for layout in self._layouts)

    @property
    def side_by_side(self) -> int:
        """How many lists of pushes run in one pass."""
        fitting = max(1, self._budget // max(layout.tokens for layout in self._layouts))
        return fitting if self._most is None else min(fitting, self._most)

    def read(
        self,
        pushes: Sequence[Sequence[Push]],
        tell: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Reading]:
        """A reading for each list of pushes, each (d,) at its layer, in their order and as they come.

        `tell` hears the part of the work that is done (0..1) after every pass. Ends early after a cancel, with what is
        complete. Raises InputError for pushes that do not fit the model, ModelError when memory runs out.
        """
        self._check(pushes)
        batches, done = self._batches(pushes), 0
        while done < len(pushes):
            batch = batches[0]

            def tell_part(share: float, before: int = done, size: int = len(batch)) -> None:
                tell((before + share * size) / len(pushes))

            try:
                readings = self._read_batch(batch, tell_part, cancelled)
            except Cancelled:
                return
            except ModelError as error:
                self._most = smaller_batch(len(batch), error)
                self._cuts = None  # they may hold as many copies
                batches = self._batches(pushes[done:])
                continue
            for row, reading in zip(batch, readings, strict=True):
                yield _no_reading(len(self._questions)) if is_too_large(row) else reading
            batches, done = batches[1:], done + len(batch)

    def _read_batch(
        self, batch: Sequence[Sequence[Push]], tell: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> list[Reading]:
        """A reading for each list of pushes that go side by side. Raises Cancelled."""
        with _memory(self._loaded), interruptible(self._loaded.model, cancelled):
            states = []
            begun = self._begin(batch)
            for place, read_layout in enumerate(begun):
                states.append(read_layout()[: len(batch)])
                tell((place + 1) / len(begun))
            return self._judged([torch.cat(pair) for pair in zip(self._still, states, strict=True)])[1:]

    def _batches(self, pushes: Sequence[Sequence[Push]]) -> list[Sequence[Sequence[Push]]]:
        """As few as go side by side; trees of like size, so that none is a rest that runs by itself."""
        size = self.side_by_side
        if self.as_trees and pushes:
            size = math.ceil(len(pushes) / math.ceil(len(pushes) / size))
        return [pushes[start : start + size] for start in range(0, len(pushes), size)]

    def _check(self, pushes: Sequence[Sequence[Push]]) -> None:
        for push in (push for row in pushes for push in row):
            if push.layer >= self._loaded.block_count or push.vector.shape != (self._loaded.width,):
                raise InputError(
                    f"Expected a direction of shape ({self._loaded.width},) at a block from 0 to "
                    f"{self._loaded.block_count - 1}, got {tuple(push.vector.shape)} at {push.layer}; use one that was "
                    "found on this model."
                )

    def _laid_out(self, source: int) -> list[Layout]:
        if _may_know_trees(self._loaded, max(question.length for question in self._questions)):
            for with_prefix in (True, False):
                laid_out = trees(self._questions, *_costs(self._loaded), with_prefix)
                try:
                    self._check_trees(laid_out, source)
                    return laid_out
                except Refused as refused:
                    go_without(f"questions as trees{' after a prefix' * with_prefix}", refused)
        else:
            go_without("questions as trees", Refused(self._loaded.model, "tokens count by row, or see only the latest"))
        return list(rows(self._loaded, self._questions, self._budget))

    @torch.no_grad()
    def _check_trees(self, laid_out: Sequence[Layout], source: int) -> None:
        """Refused unless the model computes with trees what it does without, on the longest question and others."""
        loaded = self._loaded
        longest = max(range(len(self._questions)), key=lambda number: self._questions[number].length)
        tried = next(layout for layout in laid_out if longest in layout.questions)
        read = logits(loaded, self._unsteered([capture_questions(loaded, tried, source, 1)])[0][0])
        others = [number for number in tried.questions if number != longest]
        for number in [longest, *others][:_CHECKED]:
            question, parting = self._questions[number], tried.partings[tried.questions.index(number)]
            alone = torch.tensor([question.prompt + question.shared], device=loaded.device)
            mask = torch.ones_like(alone)
            expected = loaded.model(input_ids=alone, attention_mask=mask, use_cache=False).logits[0, -1]
            check_agreement(loaded.model, read[parting], expected, loaded.dtype)

    def _unsteered(self, cuts: Sequence[QuestionCut]) -> list[Tensor]:
        """(1, R, d) a layout: the last block's output at its reads."""
        prefix = run_before(self._loaded, cuts[0], {}, 1, "all")
        return [run_questions(self._loaded, begun, {}, 1, "all", prefix) for begun in cuts]

    def _begin(self, batch: Sequence[Sequence[Push]]) -> list[Callable[[], Tensor]]:
        """What is left to do for lists of pushes, a pass a layout: the tokens before all of them have been run."""
        additions = {push.layer: push.vector for push in batch_pushes(batch)}
        source = min(additions, default=0)
        copies = 1 if self.as_trees else self.side_by_side
        if self._cuts is None or self._cuts[0] != source:
            self._cuts = (source, [capture_questions(self._loaded, layout, source, copies) for layout in self._layouts])
        cuts = self._cuts[1]
        # A cut with copies is made for exactly as many; what is missing to them adds nothing.
        copies = max(copies, len(batch))
        missing = (0, 0, 0, copies - len(batch))
        additions = {layer: nn.functional.pad(vectors, missing) for layer, vectors in additions.items()}
        prefix = run_before(self._loaded, cuts[0], additions, copies, self._positions)
        return [
            partial(run_questions, self._loaded, begun, additions, copies, self._positions, prefix) for begun in cuts
        ]

    def _judged(self, states: Sequence[Tensor]) -> list[Reading]:
        """A reading for each of C entries of `states`, (C, R, d) a layout; entry 0 is the baseline."""
        loaded, count = self._loaded, len(states[0])
        differences = torch.zeros(count, len(self._questions), dtype=torch.float64)
        divergences = torch.zeros_like(differences)
        room = _LOGITS.get(loaded.device.type, _LOGITS_ELSEWHERE)
        for layout, part in zip(self._layouts, states, strict=True):
            kl = torch.zeros(count, part.shape[1], dtype=torch.float64)
            size = max(1, room // (count * loaded.model.config.get_text_config().vocab_size))
            for start in range(0, part.shape[1], size):
                piece = part[:, start : start + size]
                here = [term for term in layout.terms if start <= term.read < start + size]
                log_p = _log_probabilities(logits(loaded, piece.flatten(0, 1))).unflatten(0, piece.shape[:2])
                kl[:, start : start + size] = kl_divergence(log_p, log_p[:1]).cpu()
                values = log_p[:, [term.read - start for term in here], [term.token for term in here]]
                signs = torch.tensor([term.sign for term in here], dtype=torch.float64)
                questions = torch.tensor([term.question for term in here])
                differences.index_add_(1, questions, values.cpu().double() * signs)
            divergences[:, list(layout.questions)] = kl[:, list(layout.partings)]
        return [Reading(*both) for both in zip(differences, divergences, strict=True)]


def _no_reading(count: int) -> Reading:
    return Reading(*(torch.full((count,), torch.nan, dtype=torch.float64) for _ in range(2)))


def _log_probabilities(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32)).log_softmax(dim=-1)


def _may_know_trees(loaded: LoadedModel, length: int) -> bool:
    """False for models that are known not to: those that place tokens by their number in the row, and those that do
    not see all of `length` tokens. Only a trial says yes.
    """
    config = loaded.model.config.get_text_config()
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return counts_positions(loaded.model) and all(
        window is None or window >= length for window in windows
    )


def _costs(loaded: LoadedModel) -> tuple[float, float]:
    """Multiplications a block makes for every token, and for every pair of tokens that meet in its attention."""
    block = decoder_blocks(loaded.model)[0]
    whole: Any = decoder(loaded.model).config
    config = whole.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    head = getattr(config, "head_dim", None) or loaded.width // heads
    return float(sum(parameter.numel() for parameter in block.parameters())), 2.0 * heads * head


def _memory(loaded: LoadedModel) -> AbstractContextManager[None]:
    return short_of_memory(loaded, "to measure", "use bfloat16 or fewer items")
