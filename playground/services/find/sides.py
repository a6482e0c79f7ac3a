"""The two sides of a mean difference, out of a prompt set."""

from __future__ import annotations

from typing import TypedDict

from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, ContrastPair, PromptSet


class Sides(TypedDict):
    """Fields of a FindRequest."""

    prompts: tuple[str, ...]
    against: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]


def sides(prompt_set: PromptSet, against: PromptSet | None = None) -> Sides:
    """The fields `prompts`, `against` and `answers` of a FindRequest for "difference".

    A contrast set has both sides, and so have choice items (their questions, and the answers that follow them);
    other prompts need a second set to stand against. Raises InputError when a side is missing or there are three.
    """
    if prompt_set.one_sided:
        if against is None:
            raise InputError(
                f"Expected contrast pairs, choice items or a second list of prompts, got {prompt_set.name} alone; "
                "choose prompts that do not show the behaviour."
            )
        return {"prompts": prompt_set.texts(), "against": against.texts(), "answers": ()}
    if against is not None:
        raise InputError(
            f"Expected one set when it has both sides, as {prompt_set.name} has, got {against.name} too; leave it out."
        )
    if prompt_set.kind == "choices":
        return {
            "prompts": prompt_set.texts(),
            "against": (),
            "answers": tuple((each.matching, each.other) for each in prompt_set.items if isinstance(each, ChoiceItem)),
        }
    pairs = [item for item in prompt_set.items if isinstance(item, ContrastPair)]
    return {
        "prompts": tuple(pair.positive for pair in pairs),
        "against": tuple(pair.negative for pair in pairs),
        "answers": (),
    }
