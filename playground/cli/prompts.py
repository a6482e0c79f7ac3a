"""Prompts, prompt format and sampling from command-line options."""

from __future__ import annotations

import argparse
from typing import Any

from playground.cli.parser import option_of
from playground.cli.terminal import tell
from playground.errors import InputError
from playground.library import prompts
from playground.library.prompts import PromptSet
from playground.model.chat_template import DATE
from playground.model.generation.sampling import Sampling
from playground.model.prompting import PromptFormat
from playground.services.prompt_fields import prompt_fields


def prompt_set_of(options: argparse.Namespace) -> PromptSet | None:
    """The set of --prompts with the items that --count, --sample and --balance select; None with --prompt. Raises
    FileError and InputError.
    """
    if options.prompts is None:
        for name in ("count", "sample", "sample_seed", "balance"):
            if getattr(options, name) not in (None, False):
                raise InputError(f"Expected {option_of(name)} with --prompts, got it with --prompt; leave it out.")
        return None
    prompt_set = prompts.read(options.prompts)
    tell_notes(prompt_set)
    count = count_of(options, prompt_set)
    return prompts.select(prompt_set, count, **selection_of(options))


def count_of(options: argparse.Namespace, prompt_set: PromptSet) -> int | None:
    """Number of items that --count or --sample ask for; None for all. Raises InputError for more than there are."""
    what = "count" if options.sample is None else "sample"
    count: int | None = getattr(options, what)
    if count is not None and count > len(prompt_set.items):
        raise InputError(
            f"Expected a {what} of at most {len(prompt_set.items)}, the items in {prompt_set.name}, got {count}; ask "
            f"for fewer, or leave --{what} out."
        )
    return count


def selection_of(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments `seed` and `balance` of `select`. Raises InputError for --sample-seed without --sample."""
    if options.sample_seed is not None and options.sample is None:
        raise InputError("Expected --sample-seed beside --sample N, got it alone; say how many items to draw.")
    return {"seed": None if options.sample is None else options.sample_seed or 0, "balance": options.balance}


def prompt_fields_of(
    options: argparse.Namespace, prompt_set: PromptSet | None, two_sides: bool = False
) -> dict[str, Any]:
    """Request fields for the prompts of a set (services/prompt_fields.py) or of --prompt: texts, selection, format."""
    if prompt_set is None:
        texts: dict[str, Any] = {"prompts": tuple(options.prompt)}
    else:
        texts = prompt_fields(prompt_set, two_sides)
    return {**texts, **chosen_fields(options), "format": format_of(options, prompt_set)}


def chosen_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Request fields `sample_seed` and `balance`: how the prompts were selected from their set."""
    chosen = selection_of(options)
    return {"sample_seed": chosen["seed"], "balance": chosen["balance"]}


def tell_notes(prompt_set: PromptSet) -> None:
    """Print notes on how a prompt file was read: the sign of its answers, and items that were left out."""
    for note in prompt_set.notes:
        tell(f"{prompt_set.name}: {note}")


def format_of(options: argparse.Namespace, prompt_set: PromptSet | None) -> PromptFormat:
    """Prompt format: that of the set, changed by --raw, --chat, --system, --thinking and --date."""
    chat, system = (True, None) if prompt_set is None else (prompt_set.chat, prompt_set.system)
    chat = not options.raw and (chat or options.chat)
    if options.system is not None:
        system = options.system or None
    elif not chat:
        system = None  # of the set; it has no place in plain text
    return PromptFormat(chat=chat, system=system, thinking=options.thinking, date=date_of(options, chat))


def date_of(options: argparse.Namespace, chat: bool) -> str:
    """The date of --date, or the usual one. Raises InputError when it is given for plain text."""
    if options.date is not None and not chat:
        raise InputError("Expected --date with a chat template, got it with plain text; leave it out.")
    return DATE if options.date is None else options.date


def sampling_of(options: argparse.Namespace) -> Sampling:
    """Sampling of the options, with the defaults of `Sampling` for those not given."""
    names = ("max_new_tokens", "temperature", "top_p", "seed")
    given = {name: getattr(options, name) for name in names}
    return Sampling(**{name: value for name, value in given.items() if value is not None})
