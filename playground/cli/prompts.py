"""Prompts, their format and the sampling, as the options of the command line say them."""

from __future__ import annotations

import argparse

from playground.cli.terminal import tell
from playground.errors import InputError
from playground.library import prompts
from playground.library.prompts import PromptSet
from playground.model.generate import Sampling
from playground.model.prompting import PromptFormat


def prompt_set_of(options: argparse.Namespace) -> PromptSet | None:
    """The first --count items of --prompts; None with --prompt. Raises FileError and InputError."""
    if options.prompts is None:
        if options.count is not None:
            raise InputError("Expected --count with --prompts, got it with --prompt; leave it out.")
        return None
    prompt_set, count = prompts.read(options.prompts), options.count
    tell_notes(prompt_set)
    if count is None:
        return prompt_set
    if count > len(prompt_set.items):
        raise InputError(
            f"Expected a count of at most {len(prompt_set.items)}, the items in {prompt_set.name}, "
            f"got {count}; ask for fewer, or leave --count out."
        )
    return prompts.select(prompt_set, count)


def tell_notes(prompt_set: PromptSet) -> None:
    """Say on standard error how a file was read: the sign of its answers, and what was left out."""
    for note in prompt_set.notes:
        tell(f"{prompt_set.name}: {note}")


def format_of(options: argparse.Namespace, prompt_set: PromptSet | None) -> PromptFormat:
    """How prompts are put to the model: as the set says, unless --raw, --chat or --system say otherwise."""
    chat, system = (True, None) if prompt_set is None else (prompt_set.chat, prompt_set.system)
    chat = not options.raw and (chat or options.chat)
    if options.system is not None:
        system = options.system or None
    elif not chat:
        system = None  # of the set; it has no place in plain text
    return PromptFormat(chat=chat, system=system, thinking=options.thinking, **date_of(options, chat))


def date_of(options: argparse.Namespace, chat: bool) -> dict[str, str]:
    """The field of PromptFormat that --date says, where it was given. Raises InputError for one in plain text."""
    if options.date is not None and not chat:
        raise InputError("Expected --date with a chat template, got it with plain text; leave it out.")
    return {} if options.date is None else {"date": options.date}


def sampling_of(options: argparse.Namespace) -> Sampling:
    """How texts are continued, what is not given as `Sampling` has it."""
    names = ("max_new_tokens", "temperature", "top_p", "seed")
    given = {name: getattr(options, name) for name in names}
    return Sampling(**{name: value for name, value in given.items() if value is not None})
