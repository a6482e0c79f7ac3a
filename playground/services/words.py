"""Words of a set's vectors: the next tokens that a small push raises most, in both signs, without a generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.words import leading_tokens, probability_changes, shares
from playground.errors import Cancelled
from playground.library.lens import Lens
from playground.library.rows import check_rows
from playground.library.vector_set import VectorSet
from playground.limits import check_count, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.finite import check_finite
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.reading.first_order import images, last_output, logit_changes
from playground.services.gallery import SIGNS, Signed
from playground.services.set_prompts import prompts_of

CHANCE_ROWS = 16
"""Random directions whose shares are what chance has: a mean share is known to about a third."""
ROWS_TOGETHER = 64
"""Rows whose changes are held at once: 40 MB a copy for a vocabulary of 150,000."""
PROMPTS = 2
"""On the organism and on SmolLM2 one to eight prompts tell about as much, and each costs the page as much again."""
COUNT = 7


@dataclass(frozen=True, kw_only=True)
class WordsRequest:
    """Words of `rows` of a set (None: all that have a norm), at most `count` a sign, at its first `prompts` prompts.

    `lens` takes the place of the Jacobian on these prompts. `seed` is of the random directions. Raises InputError for
    numbers out of range.
    """

    source_set: VectorSet
    rows: tuple[int, ...] | None = None
    prompts: int = PROMPTS
    count: int = COUNT
    lens: Lens | None = None
    seed: int = 0
    memory_budget: int | None = None

    def __post_init__(self) -> None:
        check_whole("number of prompts", self.prompts, least=1, most=limits().look_prompts)
        check_whole("number of words", self.count, least=1, most=limits().words)
        check_whole("seed", self.seed, least=0, most=2**63 - 1)


@dataclass(frozen=True)
class Word:
    """A token. `slope`: change of its log-probability in nats a unit of norm, the mean over prompts. `share`: its part
    of what a small push adds to KL (core/words.py).
    """

    token: int
    text: str
    slope: float
    share: float


@dataclass(frozen=True)
class SetWords:
    """Words by row and sign, the strongest first; fewer than were asked for where chance moves the others as much.

    `prompts` is how many prompts they were read at; `lens` the name of the file that stood in for J, if one did.
    """

    words: Mapping[Signed, tuple[Word, ...]]
    prompts: int
    lens: str | None = None

    @property
    def caution(self) -> str:
        """A sentence on how they were read, and where they are weak."""
        where = "1 prompt" if self.prompts == 1 else f"{self.prompts} prompts"
        begin = "Words: next tokens that a small push raises, to first order"
        if self.lens is not None:
            return (
                f"{begin} through the lens {self.lens}, read at {where}. A lens is a mean over many prompts and "
                "positions: what a vector does at these prompts alone it does not see, and a lens of another model "
                "gives words all the same. They tell how a text may begin, not what it becomes; where they look odd, "
                "they are noise."
            )
        return (
            f"{begin} at {where}. They tell how a text may begin, not what it becomes. Where they look odd, above all "
            "from one prompt of a small model, they are noise."
        )


@within_memory
@interrupts_passes
def words(
    loaded: LoadedModel,
    request: WordsRequest,
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SetWords:
    """Read the words; `emit` gets the share done as rows are read.

    Raises InputError for rows that are not there and for a set without prompts, FileError for a set or lens of another
    width and a lens without the source layer, ModelError when memory runs out or the model's numbers are not finite,
    Cancelled after a cancel.
    """
    vector_set, lens = request.source_set, request.lens
    rows = _rows(vector_set, request.rows)
    check_count("vectors to read words of", len(rows), limits().columns, "choose fewer rows")
    source = vector_set.origin.source
    encoded = prompts_of(loaded, vector_set)
    encoded = encoded.take(tuple(range(min(request.prompts, len(encoded)))))
    carry = None if lens is None else lens.at(source, loaded.width, loaded.name)
    if not rows:
        return SetWords({}, len(encoded), None if lens is None else lens.name)
    units = torch.stack([vector_set.unit(row) for row in rows])
    units = torch.cat([units, random_directions(CHANCE_ROWS, loaded.width, request.seed)])
    if carry is None:
        moved = images(loaded, encoded, source, units, request.memory_budget, cancelled)
    else:
        moved = (units @ carry.T)[:, None].expand(-1, len(encoded), -1)
    reader = _Reader(loaded, encoded, cancelled)
    chance = shares(reader.mean_changes(moved[len(rows) :])[0]).mean(dim=0)
    found: dict[Signed, tuple[Word, ...]] = {}
    for begin in range(0, len(rows), ROWS_TOGETHER):
        some = rows[begin : begin + ROWS_TOGETHER]
        changes, slopes = reader.mean_changes(moved[begin : begin + len(some)])
        parts = shares(changes)
        for place, (row, sides) in enumerate(zip(some, leading_tokens(changes, chance, request.count), strict=True)):
            for sign, tokens in zip(SIGNS, sides, strict=True):
                found[row, sign] = tuple(
                    Word(token, text_of(loaded, token), sign * float(slopes[place, token]), float(parts[place, token]))
                    for token in tokens
                )
        emit((begin + len(some)) / len(rows))
    return SetWords(found, len(encoded), None if lens is None else lens.name)


def text_of(loaded: LoadedModel, token: int) -> str:
    """A token as text, special ones by their names."""
    return str(loaded.tokenizer.decode([token]))


def _rows(vector_set: VectorSet, asked: tuple[int, ...] | None) -> tuple[int, ...]:
    if asked is not None:
        return check_rows(vector_set, asked)
    return tuple(row for row in range(vector_set.rows) if bool(vector_set.vectors[row].any()))


class _Reader:
    """First-order changes at the prompts' next tokens, for rows at the last block."""

    def __init__(self, loaded: LoadedModel, encoded: Encoded, cancelled: Callable[[], bool]) -> None:
        self._loaded = loaded
        self._prompts = [encoded.take((number,)) for number in range(len(encoded))]
        self._states = [last_output(loaded, prompt) for prompt in self._prompts]
        self._cancelled = cancelled

    def mean_changes(self, moved: Tensor) -> tuple[Tensor, Tensor]:
        """Means over prompts, (k, V) on the CPU, of √p·(change of log p) and of the change of log p itself, for `moved`
        (k, n, d). Raises ModelError for a model whose logits are not finite, Cancelled after a cancel.
        """
        changes = slopes = torch.zeros(())
        for number, (prompt, state) in enumerate(zip(self._prompts, self._states, strict=True)):
            if self._cancelled():
                raise Cancelled
            logits, change = (each.cpu() for each in logit_changes(self._loaded, state, moved[:, number]))
            check_finite(logits, self._loaded, prompt)
            changes = changes + probability_changes(logits, change) / len(self._prompts)
            slope = change - (logits.softmax(dim=-1) * change).sum(dim=-1, keepdim=True)
            slopes = slopes + slope / len(self._prompts)
        return changes, slopes
