"""Encodes prompts: chat template, tokens, and a left-padded batch of them.

The one place where prompts are formatted. Nothing is cut off to fit: what is too long is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from playground.errors import InputError
from playground.limits import check_characters, check_prompts, limits
from playground.model.blocks import counts_positions
from playground.model.chat_template import DATE, Message, answer_space, check_date, render_messages
from playground.model.conversation import Turn, check_turns
from playground.model.load import LoadedModel
from playground.model.panic import tokenizer_panics
from playground.once import log_once

_LOG = logging.getLogger(__name__)
_SYSTEM_AS_USER = "the system prompt of %s goes before the first message of the user (%s)"


class FormattedSet(Protocol):
    """What a prompt set says of its format (a PromptSet)."""

    @property
    def chat(self) -> bool: ...

    @property
    def system(self) -> str | None: ...


@dataclass(frozen=True)
class PromptFormat:
    """How a prompt becomes text for the model.

    `chat` puts it into the model's chat template as the user's turn, after `system` when that is given; without it the
    prompt is read as it stands. `thinking` lets models that can think aloud first do so. `turns` are what was said
    before, the user first and the assistant last; the prompt is the user's next turn. `date` (YYYY-MM-DD) is what a
    template is told that writes today's date. `system`, `thinking`, `turns` and `date` have no meaning without `chat`.
    """

    chat: bool = True
    system: str | None = None
    thinking: bool = False
    turns: tuple[Turn, ...] = ()
    date: str = DATE

    def __post_init__(self) -> None:
        object.__setattr__(self, "turns", tuple(self.turns))
        check_turns(self.turns)
        check_characters("a system prompt", self.system, limits().system_characters)
        check_date(self.date)
        if not self.chat and self.turns:
            raise InputError(
                f"Expected no turns before plain text, got {len(self.turns)}; use the chat template or leave them out."
            )
        if not self.chat and self.system is not None:
            raise InputError(
                "Expected no system prompt for plain text, got one; use the chat template or leave it out."
            )

    def check_prompts(self, prompts: Sequence[object]) -> None:
        """Raises InputError for prompts that are too many or too long in this format, before they are tokenised."""
        check_prompts(prompts, len(self.system or "") + sum(len(turn.text) for turn in self.turns))

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> PromptFormat:
        """The format of which `document` is the `asdict`, as it comes back from JSON.

        Raises InputError as building one does, and TypeError for fields that are not there.
        """
        turns = tuple(Turn(**turn) for turn in document.get("turns", ()))
        return cls(**{**document, "turns": turns})

    @classmethod
    def of_set(cls, prompt_set: FormattedSet) -> PromptFormat:
        """The format that a prompt set asks for: its system prompt in the chat template, or plain text."""
        return cls(chat=prompt_set.chat, system=prompt_set.system if prompt_set.chat else None)


@dataclass(frozen=True)
class Encoded:
    """A batch of prompts as tokens, on the CPU."""

    input_ids: Tensor  # (n, T) int64, left-padded
    attention_mask: Tensor  # (n, T) int64, 0 where padded
    lengths: tuple[int, ...]  # tokens of each prompt

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def position_ids(self) -> Tensor:
        """(n, T) int64: the place of each token in its own prompt, from 0; padding counts as place 0."""
        return (self.attention_mask.cumsum(dim=1) - 1).clamp(min=0)

    def take(self, rows: Sequence[int]) -> Encoded:
        """The prompts of these numbers, in this order and as often as named, without padding they all share."""
        if not rows or not all(0 <= row < len(self) for row in rows):
            raise InputError(f"Expected rows from 0 to {len(self) - 1}, got {list(rows)}.")
        lengths = tuple(self.lengths[row] for row in rows)
        start = self.input_ids.shape[1] - max(lengths)
        index = torch.tensor(list(rows))
        return Encoded(self.input_ids[index, start:], self.attention_mask[index, start:], lengths)


def render(loaded: LoadedModel, prompt: str, format: PromptFormat) -> str:
    """The exact text the model reads, control tokens included, up to where its answer begins.

    A template that refuses or ignores system prompts gets the system prompt at the head of the first turn instead.
    Errors: InputError for an empty prompt, no chat template, or a template that cannot be used.
    """
    if not prompt.strip():
        raise InputError("Expected a prompt, got an empty one; type some text.")
    if not format.chat:
        return prompt
    if not loaded.tokenizer.chat_template:
        raise InputError(
            f"Expected a model with a chat template, but {loaded.name} has none; give it plain text instead (--raw)."
        )
    return render_messages(loaded, _messages(loaded, prompt, format), format.thinking, format.date)


def answer_opening(loaded: LoadedModel, prompt: str, format: PromptFormat) -> str | None:
    """The white space with which an answer to the prompt begins; None where nothing tells, so that it is as typed.

    After white space none follows. Otherwise the chat template is asked: what it writes before an answer counts. Where
    that is nothing, an answer begins at once after a control token, while ordinary text ("[/INST]") says nothing.
    Raises InputError as `render` does.
    """
    text = render(loaded, prompt, format)
    if text[-1:].isspace():
        return ""
    if not format.chat:
        return None
    space = answer_space(loaded, _messages(loaded, prompt, format), format.thinking, format.date)
    return space or ("" if space == "" and _ends_in_control_token(loaded, text) else None)


def _ends_in_control_token(loaded: LoadedModel, text: str) -> bool:
    added = loaded.tokenizer.added_tokens_decoder.values()
    return any(token.special and token.content and text.endswith(token.content) for token in added)


def _messages(loaded: LoadedModel, prompt: str, format: PromptFormat) -> list[Message]:
    """The conversation up to the prompt, with the system prompt where the template takes it."""
    messages: list[Message] = [{"role": turn.role, "content": turn.text} for turn in format.turns]
    messages.append({"role": "user", "content": prompt})
    if format.system is None:
        return messages
    with_system: list[Message] = [{"role": "system", "content": format.system}, *messages]
    try:
        if format.system.strip() in render_messages(loaded, with_system, format.thinking, format.date):
            return with_system
        reason = "its template leaves it out"
    except InputError as error:  # the template has no system role
        reason = str(error)
    log_once(_LOG, logging.INFO, _SYSTEM_AS_USER, loaded.name, reason)
    messages[0] = {**messages[0], "content": f"{format.system}\n\n{messages[0]['content']}"}
    return messages


def can_think(loaded: LoadedModel) -> bool:
    """Whether the model's template has a switch for thinking: whether its output depends on it."""
    if not loaded.tokenizer.chat_template:
        return False
    try:
        texts = {render(loaded, "Hello", PromptFormat(thinking=thinking)) for thinking in (False, True)}
    except InputError:  # a template for something else than a conversation
        return False
    return len(texts) == 2


def encode(loaded: LoadedModel, prompts: Sequence[str], format: PromptFormat, room: int = 0) -> Encoded:
    """The prompts as one left-padded batch.

    The chat template writes every special token itself, so none is added to it; plain text gets those that the
    tokenizer adds. `room` is how many more tokens the model must be able to read after the longest prompt.
    Errors: InputError for no prompts, and for one that is empty, longer than the model reads, or cannot be formatted.
    """
    if not prompts:
        raise InputError("Expected at least one prompt, got none.")
    format.check_prompts(prompts)
    rows: list[list[int]] = []
    for number, prompt in enumerate(prompts, start=1):
        which = f"Prompt {number} of {len(prompts)}: " if len(prompts) > 1 else ""
        try:
            rows.append(tokenize(loaded, render(loaded, prompt, format), format))
            check_length(loaded, len(rows[-1]), room)
        except InputError as error:
            raise InputError(f"{which}{error}") from error
    return pad_left(loaded, rows)


def tokenize(loaded: LoadedModel, text: str, format: PromptFormat) -> list[int]:
    """The tokens of a text that `render` gave.

    Raises InputError for broken Unicode, for a text without tokens and for tokens that the model does not have.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError("Expected a prompt of valid Unicode text, got half a character; type it again.") from error
    # One text at a time, so that a prompt reads the same whatever else is in the batch.
    tokens = token_ids(loaded, text, add_special_tokens=not format.chat)
    if not tokens:
        raise InputError("Expected a prompt that holds at least one token, got none; type some text.")
    return tokens


def token_ids(loaded: LoadedModel, text: str, add_special_tokens: bool = False) -> list[int]:
    """The tokens of any text. Raises InputError for one that the model has no embedding for."""
    with tokenizer_panics(loaded.name):
        tokens = list(loaded.tokenizer(text, add_special_tokens=add_special_tokens, truncation=False)["input_ids"])
    count = loaded.token_count
    beyond = next((token for token in tokens if token >= count), None)
    if beyond is not None:
        name = str(loaded.tokenizer.convert_ids_to_tokens(beyond))[:40]
        raise InputError(
            f"Expected tokens that {loaded.name} has, {count} of them, but its tokenizer writes {name!r} "
            f"as number {beyond}; choose a model with its own tokenizer, or a prompt without that token."
        )
    return tokens


def pad_left(loaded: LoadedModel, rows: Sequence[Sequence[int]]) -> Encoded:
    """Rows of tokens as one left-padded batch."""
    longest = max(map(len, rows))
    input_ids = torch.full((len(rows), longest), loaded.pad_id, dtype=torch.int64)
    attention_mask = torch.zeros_like(input_ids)
    for row, tokens in enumerate(rows):
        input_ids[row, longest - len(tokens) :] = torch.tensor(tokens)
        attention_mask[row, longest - len(tokens) :] = 1
    return Encoded(input_ids, attention_mask, tuple(map(len, rows)))


def rows_of_like_length(lengths: Sequence[int], tokens: int, padding: bool = True) -> Iterator[tuple[int, ...]]:
    """Numbers of rows in batches, the longest first, so that little is padding; at most `tokens` a batch, and at least
    one row. Without `padding`, only rows of one length go together.
    """
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        full = rows and (len(rows) + 1) * lengths[rows[0]] > tokens
        if full or (rows and not padding and lengths[row] != lengths[rows[0]]):
            yield tuple(rows)
            rows = []
        rows.append(row)
    yield tuple(rows)


def takes_padding(loaded: LoadedModel) -> bool:
    """Whether rows of different lengths may go together where the model's kernels are chosen for it.

    Eager attention of transformers takes its softmax in float32, where the mask value of float64 overflows and a padded
    row becomes NaN: float64 models get rows of one length.
    """
    return loaded.dtype != torch.float64


def check_length(loaded: LoadedModel, length: int, room: int = 0) -> None:
    """Refuse `length` prompt tokens, with `room` to follow, that the model has too few positions for: InputError."""
    limit = loaded.max_positions
    if limit is None or length + room <= limit:
        return
    follow = f" followed by {room} new ones" if room else ""
    raise InputError(
        f"Expected at most {limit} tokens, which is what {loaded.name} reads, got {length}{follow}; "
        + ("shorten the prompt or ask for fewer new tokens." if room else "shorten the prompt.")
    )


def forward_inputs(loaded: LoadedModel, encoded: Encoded) -> dict[str, Tensor]:
    """Keyword arguments of the model for one pass over the prompts, on its device.

    Models that count positions are told them, so that left padding shifts nothing; those that work from the attention
    mask (ALiBi) have no such argument.
    """
    return model_inputs(loaded, encoded.input_ids, encoded.attention_mask, encoded.position_ids)


def model_inputs(loaded: LoadedModel, input_ids: Tensor, mask: Tensor, position_ids: Tensor) -> dict[str, Tensor]:
    """`forward_inputs` of tokens whose mask and positions are laid out in another way."""
    given = {"input_ids": input_ids, "attention_mask": mask}
    if counts_positions(loaded.model):
        given["position_ids"] = position_ids
    return {name: tensor.to(loaded.device) for name, tensor in given.items()}
