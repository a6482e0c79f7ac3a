"""Questions with two answers each as trees of tokens: what several begin with is one token sequence for all of them.

A tree is laid out as one row of a batch. Every token sees itself and the tokens before it on its own branch, and has
the place in the sequence that it would have alone; so the model computes what it would for each question by itself,
and what questions share (a system prompt, the template, the prompt before either answer) once. What all of them begin
with may be set aside altogether, for the keys and values it leaves in every block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from playground.model.cut.prefix import common
from playground.model.load import LoadedModel
from playground.model.prompting import pad_left, rows_of_like_length, takes_padding

_SIZES = (64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Question:
    """The tokens of a prompt, those that both answers begin with, and the rest of either answer that is scored."""

    prompt: tuple[int, ...]
    shared: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]

    @property
    def sides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.first, self.second

    @property
    def by_logit(self) -> bool:
        """Whether the answers differ in one token only: the log-odds is then the difference of two logits."""
        return len(self.first) == len(self.second) == 1

    @property
    def length(self) -> int:
        """Tokens of the prompt with the longer answer."""
        return len(self.prompt) + len(self.shared) + max(len(self.first), len(self.second))


@dataclass(frozen=True)
class Term:
    """One summand of a log-odds: sign × the log-probability of `token`, read at the place number `read`."""

    question: int
    sign: int
    read: int
    token: int


@dataclass(frozen=True, eq=False)
class Layout:
    """Some questions as a batch (b, T) of tokens, on the CPU.

    `mask` is (b, T), 0 where padded, for a batch with one sequence a row. For trees it is (b, T, P + T) bool: which
    token sees which, first of all the P tokens of `prefix`, with which all questions begin and which are not in the
    batch. `numbers` (b, T) count tokens from the prompt's last one, which is 0: those of the answer from 1 on, those
    before it are negative. Logits are read at (`rows[i]`, `places[i]`); the answers of question `questions[i]` part at
    the read `partings[i]`. `last`: all reads are among as many last places.
    """

    questions: tuple[int, ...]
    input_ids: Tensor
    position_ids: Tensor
    mask: Tensor
    numbers: Tensor
    rows: Tensor
    places: Tensor
    partings: tuple[int, ...]
    terms: tuple[Term, ...]
    prefix: tuple[int, ...] = ()

    @property
    def is_tree(self) -> bool:
        return self.mask.ndim == 3

    @property
    def last(self) -> int:
        return self.input_ids.shape[1] - int(self.places.min())

    @property
    def tokens(self) -> int:
        """b·T."""
        return self.input_ids.numel()


def trees(questions: Sequence[Question], per_token: float, per_pair: float, with_prefix: bool) -> list[Layout]:
    """The questions as trees, one a layout; `with_prefix`, what all of them begin with is set aside.

    Larger trees share more and cost more attention: the size is the one of least cost, `per_token` for every token and
    `per_pair` for every pair of tokens in a tree.
    """
    # Neighbours in this order share their beginnings.
    order = sorted(range(len(questions)), key=lambda number: (questions[number].prompt, questions[number].shared))
    prompts = [question.prompt for question in questions]
    prefix = prompts[0][: common(prompts)] if with_prefix else ()
    best: tuple[float, list[_Tree]] | None = None
    for size in _SIZES:
        grown = _grow(questions, order, size, prefix)
        cost = sum(len(tree.tokens) * (per_token + per_pair * (len(prefix) + len(tree.tokens))) for tree in grown)
        if best is None or cost < best[0]:
            best = cost, grown
        if len(grown) == 1:
            break
    assert best is not None
    return [tree.layout() for tree in best[1]]


def rows(loaded: LoadedModel, questions: Sequence[Question], tokens: int) -> Iterator[Layout]:
    """The questions with every answer in a row of its own, padded on the left; about `tokens` a layout, and at least
    one row.
    """
    sequences = [sequence for number, asked in enumerate(questions) for sequence in _sequences(asked, number)]
    lengths = [len(sequence.tokens) for sequence in sequences]
    for batch in rows_of_like_length(lengths, tokens, takes_padding(loaded)):
        yield _padded(loaded, [sequences[row] for row in batch])


@dataclass(frozen=True)
class _Sequence:
    """A prompt with (a part of) an answer. `reads` are (place, sign, token); `parts`: the first of them is where the
    question's answers part, which one sequence of every question says.
    """

    question: int
    tokens: tuple[int, ...]
    generated: int  # how many of them, at the end, belong to the answer
    reads: tuple[tuple[int, int, int], ...]
    parts: bool

    @property
    def prompt_length(self) -> int:
        return len(self.tokens) - self.generated


def _sequences(question: Question, number: int) -> Iterator[_Sequence]:
    """One sequence an answer, each without its last token, after which nothing is read; one where both are the same."""
    known = question.prompt + question.shared
    sides = []
    for sign, side in zip((1, -1), question.sides, strict=True):
        reads = tuple((len(known) - 1 + i, sign, token) for i, token in enumerate(side))
        generated = len(question.shared) + len(side) - 1
        sides.append(_Sequence(number, known + side[:-1], generated, reads, parts=sign > 0))
    if sides[0].tokens == sides[1].tokens:
        yield replace(sides[0], reads=sides[0].reads + sides[1].reads)
    else:
        yield from sides


class _Tree:
    """Tokens with their parents, parents first; the `prefix` of all sequences left out."""

    def __init__(self, prefix: tuple[int, ...]) -> None:
        self.prefix = prefix
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self.depths: list[int] = []
        self.numbers: list[int] = []
        self.questions: list[int] = []
        self.partings: list[int] = []  # nodes
        self.reads: list[tuple[int, int, int, int]] = []  # question, sign, node, token
        self._children: dict[tuple[int, int, int], int] = {}

    def add(self, number: int, question: Question) -> None:
        self.questions.append(number)
        for sequence in _sequences(question, number):
            path, node = [-1] * len(self.prefix), -1
            for depth, token in enumerate(sequence.tokens[len(path) :], start=len(path)):
                # Earlier tokens of prompts are alike, so that prompts of unequal length share them.
                node = self._child(node, token, depth, max(depth + 1 - sequence.prompt_length, -1))
                path.append(node)
            self.reads += [(number, sign, path[place], token) for place, sign, token in sequence.reads]
        self.partings.append(path[len(question.prompt) + len(question.shared) - 1])

    def _child(self, parent: int, token: int, depth: int, number: int) -> int:
        key = (parent, token, number)
        if key not in self._children:
            self._children[key] = len(self.tokens)
            self.tokens.append(token)
            self.parents.append(parent)
            self.depths.append(depth)
            self.numbers.append(number)
        return self._children[key]

    def layout(self) -> Layout:
        count = len(self.tokens)
        sees = torch.eye(count, dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                sees[node] |= sees[parent]
        read = list(dict.fromkeys(node for _, _, node, _ in self.reads))
        # What is read comes last, so that of the last block only the last places need to be worked out.
        unread = sorted(set(range(count)) - set(read))
        order = torch.tensor(unread + read)
        number_of = {node: number for number, node in enumerate(read)}
        return Layout(
            questions=tuple(self.questions),
            input_ids=torch.tensor(self.tokens)[order][None],
            position_ids=torch.tensor(self.depths)[order][None],
            mask=nn.functional.pad(sees[order][:, order], (len(self.prefix), 0), value=True)[None],
            numbers=torch.tensor(self.numbers)[order][None],
            rows=torch.zeros(len(read), dtype=torch.int64),
            places=torch.arange(len(unread), count),
            partings=tuple(number_of[node] for node in self.partings),
            terms=tuple(Term(question, sign, number_of[node], token) for question, sign, node, token in self.reads),
            prefix=self.prefix,
        )


def _grow(
    questions: Sequence[Question], order: Sequence[int], size: int, prefix: tuple[int, ...]
) -> list[_Tree]:
    """Trees of about `size` tokens: at least one question each, and never more than one question beyond it."""
    grown = [_Tree(prefix)]
    for number in order:
        expected = (questions[number].length - len(prefix)) // 2
        if grown[-1].questions and len(grown[-1].tokens) + expected > size:
            grown.append(_Tree(prefix))
        grown[-1].add(number, questions[number])
    return grown


def _padded(loaded: LoadedModel, sequences: Sequence[_Sequence]) -> Layout:
    encoded = pad_left(loaded, [sequence.tokens for sequence in sequences])
    longest = encoded.input_ids.shape[1]
    answered = torch.tensor([sequence.generated for sequence in sequences])
    reads: dict[tuple[int, int], int] = {}
    partings: dict[int, int] = {}
    terms = []
    for row, sequence in enumerate(sequences):
        start = longest - len(sequence.tokens)
        for place, sign, token in sequence.reads:
            read = reads.setdefault((row, start + place), len(reads))
            terms.append(Term(sequence.question, sign, read, token))
        if sequence.parts:
            partings[sequence.question] = reads[row, start + sequence.reads[0][0]]
    return Layout(
        questions=tuple(partings),
        input_ids=encoded.input_ids,
        position_ids=encoded.position_ids,
        mask=encoded.attention_mask,
        numbers=torch.arange(1, longest + 1) - (longest - answered[:, None]),
        rows=torch.tensor([row for row, _ in reads]),
        places=torch.tensor([place for _, place in reads]),
        partings=tuple(partings.values()),
        terms=tuple(terms),
    )
