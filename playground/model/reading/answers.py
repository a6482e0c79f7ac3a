"""Tokenisation of answers after prompts, and the tokens by which two answers are told apart."""

from __future__ import annotations

from collections.abc import Sequence

from playground.errors import InputError
from playground.model.cut.prefix import common
from playground.model.load import LoadedModel
from playground.model.prompting import (
    Encoded,
    PromptFormat,
    answer_opening,
    check_length,
    pad_left,
    render,
    token_ids,
    tokenize,
)
from playground.model.reading.question_trees import Question


def continuation(
    loaded: LoadedModel, prompt: str, known: Sequence[int], format: PromptFormat, answer: str
) -> list[int]:
    """The tokens of `answer` to `prompt`, of which `known` are the tokens up to where an answer begins.

    The answer begins as answers begin there (`answer_opening`), whatever white space it came with; where nothing tells,
    it stays as typed, but a word is not glued to a word. Where the tokenizer would merge across the boundary, the
    answer is tokenised by itself: the model has read the prompt's tokens as they are.
    """
    text = render(loaded, prompt, format)
    opening = answer_opening(loaded, prompt, format)
    if opening is not None:
        answer = opening + answer.lstrip()
    elif text[-1:].isalnum() and answer[:1].isalnum():
        answer = f" {answer}"
    whole = token_ids(loaded, text + answer, add_special_tokens=not format.chat)
    if whole[: len(known)] == list(known) and len(whole) > len(known):
        return whole[len(known) :]
    return _alone(loaded, answer)


_ANCHOR = "\n"
"""A text that merges with no answer, after which an answer is not at the start of a text."""


def _alone(loaded: LoadedModel, answer: str) -> list[int]:
    """The tokens of a text that stands within another: without the space that some tokenizers begin a text with."""
    before, whole = token_ids(loaded, _ANCHOR), token_ids(loaded, _ANCHOR + answer)
    parts = whole[: len(before)] == before and len(whole) > len(before)
    return whole[len(before) :] if parts else token_ids(loaded, answer)


def told_apart(first: Sequence[int], second: Sequence[int]) -> tuple[int, int]:
    """Number of tokens of each answer that are read to tell it from the other.

    Tokens both begin with and tokens both end with are set aside; what is left of each is read to its last token. So
    " (A)" and " (B)" are read up to the letter, whatever tokens it makes, and answers without a common end as a whole.
    At least one token of each is left. Raises InputError for equal answers.
    """
    if list(first) == list(second):
        raise InputError("Expected two answers that differ in their tokens, got the same tokens; change one.")
    start = common([first, second])
    end = common([side[start + 1 :][::-1] for side in (first, second)], room=0)
    return len(first) - end, len(second) - end


SAME_TOKENS = "both answers are the same tokens"
ONE_BEGINS_THE_OTHER = "one answer begins with the other"
TOO_LONG = "too long for the model"


def question(loaded: LoadedModel, prompt: str, format: PromptFormat, answers: tuple[str, str]) -> Question | str:
    """The prompt with what is scored of its two answers; or why they cannot be scored, in a few words.

    Tokens that both answers begin with are read before, and cancel. Where the answers then differ in one token and end
    alike, as " (A)" and " (B)" do, that token alone is scored: by its logit. Others are scored to their last token.
    Raises InputError for a prompt that cannot be formatted.
    """
    known = tokenize(loaded, render(loaded, prompt, format), format)
    first, second = (continuation(loaded, prompt, known, format, answer) for answer in answers)
    if first == second:
        return SAME_TOKENS
    shared = common([first, second], room=0)
    if shared == min(len(first), len(second)):
        return ONE_BEGINS_THE_OTHER
    if first[shared + 1 :] == second[shared + 1 :]:
        first, second = first[: shared + 1], second[: shared + 1]
    found = Question(tuple(known), tuple(first[:shared]), tuple(first[shared:]), tuple(second[shared:]))
    if loaded.max_positions is not None and found.length > loaded.max_positions:
        return TOO_LONG
    return found


def with_answers(
    loaded: LoadedModel,
    prompts: Sequence[str],
    format: PromptFormat,
    encoded: Encoded,
    answers: Sequence[tuple[str, str]],
) -> tuple[Encoded, Encoded]:
    """The prompts (already `encoded`) with the first answer of each pair, and with the second.

    Every row ends at the token that tells its answer from the other one (`told_apart`), where it is to be read.
    Raises InputError, with the number of the prompt, for answers of the same tokens and for what is too long.
    """
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    for row, (prompt, pair) in enumerate(zip(prompts, answers, strict=True)):
        known = encoded.input_ids[row, -encoded.lengths[row] :].tolist()
        tokens = [continuation(loaded, prompt, known, format, answer) for answer in pair]
        try:
            read = told_apart(*tokens)
            for side, answer, count in zip(sides, tokens, read, strict=True):
                side.append(known + answer[:count])
                check_length(loaded, len(side[-1]))
        except InputError as error:
            raise InputError(f"Prompt {row + 1} of {len(prompts)}: {error}") from error
    return pad_left(loaded, sides[0]), pad_left(loaded, sides[1])
