"""Request fields that a prompt set gives: its texts, its name and its prompt format."""

from __future__ import annotations

from typing import Any

from playground.library.prompts import PromptSet
from playground.model.prompting import PromptFormat
from playground.services.find.sides import sides


def prompt_fields(prompt_set: PromptSet, two_sides: bool = False) -> dict[str, Any]:
    """The fields `prompts`, `prompt_set` and `format` of a FindRequest or a ScanRequest.

    With `two_sides` (methods that compare two sides) also `against` and `answers`, where the set has both sides.
    """
    texts = sides(prompt_set) if two_sides and not prompt_set.one_sided else {"prompts": prompt_set.texts()}
    return texts | {"prompt_set": prompt_set.name, "format": PromptFormat.of_set(prompt_set)}
