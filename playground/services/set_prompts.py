"""Prompts that a vector set was found on, encoded again."""

from __future__ import annotations

from playground.errors import InputError
from playground.library.origin import Origin
from playground.library.vector_set import VectorSet, check_fits
from playground.model.chat_template import DATE
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, PromptFormat, encode


def prompts_of(loaded: LoadedModel, vector_set: VectorSet) -> Encoded:
    """The set's prompts as one batch, formatted as they were when it was found.

    Raises FileError for a set made for another width or with layers this model does not have, InputError for one
    without its prompts, and what `encode` raises.
    """
    origin = vector_set.origin
    check_fits(vector_set, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
    if not origin.prompts:
        raise InputError(
            f"Expected a set that says the prompts it was found on, got “{vector_set.name}” without; choose another."
        )
    return encode(loaded, origin.prompts, format_of(origin))


def format_of(origin: Origin) -> PromptFormat:
    """The prompt format of a set's prompts."""
    if not origin.chat:
        return PromptFormat(chat=False)
    thinking, date = bool(origin.parameters.get("thinking", False)), origin.parameters.get("date", DATE)
    return PromptFormat(system=origin.system, thinking=thinking, date=date)
