"""Prompt sets of four kinds, which directions are found from and judged on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from playground.errors import InputError
from playground.library.exact_answer import answer_number
from playground.library.text import is_text, shown
from playground.limits import check_characters, check_count, limits

MAX_NAME = 200
"""Characters of a set's name or title, which stand in sentences and lists."""

FOR_MODELS = ("organism", "any")

QUESTION, MATCHING, OTHER = "question", "answer_matching_behavior", "answer_not_matching_behavior"
"""Field names of a choice item in files, those of the public sets."""
ANSWER = "answer"
"""Beside QUESTION, the field of the number that answers it."""


@dataclass(frozen=True)
class ChoiceItem:
    """A question with an answer that shows the behaviour (`matching`) and one that does not (`other`).

    Answers are kept as they are; whether one begins with a space is asked of the chat template when it is read
    (playground/model/reading/answers.py). Raises InputError for an empty text and for two answers that are the same.
    """

    question: str
    matching: str
    other: str

    def __post_init__(self) -> None:
        _check_texts(self)
        if self.matching.strip() == self.other.strip():
            raise InputError(f"Expected two different answers, got {shown(self.matching)} twice; mend the item.")


@dataclass(frozen=True)
class ContrastPair:
    """A prompt that shows a behaviour and one that does not. Raises InputError for an empty text."""

    positive: str
    negative: str

    def __post_init__(self) -> None:
        _check_texts(self)


@dataclass(frozen=True)
class ExactItem:
    """A question and the number that answers it, as text. Raises InputError for an empty text and for no number."""

    question: str
    answer: str

    def __post_init__(self) -> None:
        _check_texts(self)
        if answer_number(self.answer) is None:
            raise InputError(f"Expected `{ANSWER}` to end in a number, got {shown(self.answer)}; write one, as 42.")

    @property
    def number(self) -> Decimal:
        """The answer."""
        number = answer_number(self.answer)
        assert number is not None
        return number


Item = str | ChoiceItem | ContrastPair | ExactItem

KINDS: dict[str, type] = {"prompts": str, "choices": ChoiceItem, "contrast": ContrastPair, "exact": ExactItem}
"""Kinds of prompt sets, and what their items are."""
FIELDS: dict[type, tuple[str, ...]] = {
    ChoiceItem: (QUESTION, MATCHING, OTHER), ContrastPair: ("positive", "negative"), ExactItem: (QUESTION, ANSWER)
}  # fmt: skip
"""Names of an item's fields in files, in their order."""


@dataclass(frozen=True)
class PromptSet:
    """Prompts, choice items, contrast pairs, or questions answered by a number, with how they are meant to be asked.

    for_model says whether the items are in the shipped organism's language or for any model; system and chat how they
    are put to it; answers suggests (shows the behaviour, does not) for the logit difference. repeated counts the items
    that were left out because they stand in the set already, skipped those that list several answers for a side.
    sign names the fields that the answers of choice items were read from where those are not the usual ones: the first
    counts as the behaviour. left_aside names fields of a file that are no part of the items.
    Raises InputError for an empty or over-long set, items of another kind, and empty texts.
    """

    name: str
    title: str
    description: str
    kind: str
    items: tuple[Item, ...]
    for_model: str = "any"
    system: str | None = None
    chat: bool = True
    answers: tuple[str, str] | None = None
    repeated: int = 0
    skipped: int = 0
    sign: tuple[str, str] | None = None
    left_aside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "title"):
            text = getattr(self, field)
            if not is_text(text) or len(text) > MAX_NAME or not text.isprintable():
                raise InputError(
                    f"Expected the {field} of a prompt set to be one line of at most {MAX_NAME} characters, got "
                    f"{shown(text)}; shorten it."
                )
        if not is_text(self.description):
            raise InputError(f"Expected the description of a prompt set to be text, got {shown(self.description)}.")
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InputError(f"Expected a kind out of {', '.join(KINDS)}, got {shown(self.kind)}; choose one of them.")
        if not isinstance(self.for_model, str) or self.for_model not in FOR_MODELS:
            raise InputError(f"Expected for_model to be organism or any, got {shown(self.for_model)}; choose one.")
        check_characters("a system prompt", self.system, limits().system_characters)
        if self.system is not None and not is_text(self.system):
            raise InputError(f"Expected the system prompt to be text or null, got {shown(self.system)}; mend it.")
        if not isinstance(self.chat, bool):
            raise InputError(f"Expected chat to be true or false, got {shown(self.chat)}; choose one.")
        if not self.items:
            raise InputError("Expected at least one prompt, got none; type or upload one a line.")
        check_count("items", len(self.items), limits().items, "split the set")
        for number, item in enumerate(self.items, start=1):
            if not isinstance(item, KINDS[self.kind]):
                raise InputError(f"Expected items of the kind {self.kind}, got another as item {number}; split it.")
            if isinstance(item, str):
                check_prompt(item)
        if self.answers is not None:
            _check_answers(self.answers)

    @property
    def one_sided(self) -> bool:
        """Whether the items say what is asked, and not what stands against it."""
        return self.kind in ("prompts", "exact")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how the set was read: the sign of its answers, and what was left out."""
        said = []
        if self.sign is not None:
            said.append(f"a positive difference means {self.sign[0]}, a negative one {self.sign[1]}")
        if self.left_aside:
            said.append(f"left aside: {', '.join(self.left_aside)}")
        if self.repeated:
            said.append(f"{self.repeated} repeated, kept once")
        if self.skipped:
            said.append(f"{self.skipped} skipped: several answers for a side")
        return tuple(said)

    @property
    def hash(self) -> str:
        """`content_hash` of the items: the same for the same items, whatever they are called and however saved."""
        return content_hash(self.items)

    def texts(self) -> tuple[str, ...]:
        """What a model is asked: prompts, questions of items with answers, both halves of every contrast pair."""
        found: list[str] = []
        for item in self.items:
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, ContrastPair):
                found += (item.positive, item.negative)
            else:
                found.append(item.question)
        return tuple(found)


def content_hash(items: Iterable[Item]) -> str:
    """SHA-256 in hex over the items as one JSON array in UTF-8, without spaces, keys in order (vectors/FORMAT.md)."""
    values = [item if isinstance(item, str) else as_json(item) for item in items]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def as_json(item: ChoiceItem | ContrastPair | ExactItem) -> dict[str, Any]:
    """An item with the field names of files."""
    return dict(zip(FIELDS[type(item)], vars(item).values(), strict=True))


def check_prompt(text: object, field: str = "a prompt") -> None:
    """Raises InputError unless `text` is text with something in it, not over-long, and without NUL characters."""
    check_characters(field, text, limits().prompt_characters)
    if not is_text(text) or "\0" in text:
        raise InputError(f"Expected {field} to be text, got {shown(text)}; write it between quotes, in UTF-8.")
    if not text.strip():
        raise InputError(f"Expected {field} with text in it, got an empty one; fill it in or leave it out.")


def _check_texts(item: ChoiceItem | ContrastPair | ExactItem) -> None:
    for field, text in as_json(item).items():
        check_prompt(text, f"`{field}`")


def _check_answers(answers: object) -> None:
    if not isinstance(answers, tuple) or len(answers) != 2:
        raise InputError(f"Expected two answers to compare, got {shown(answers)}; give two texts.")
    for answer in answers:
        check_prompt(answer, "an answer")
    if answers[0] == answers[1]:
        raise InputError(f"Expected two different answers, got {shown(answers[0])} twice; change one.")
