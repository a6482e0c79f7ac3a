"""Builds a FindRequest from command-line options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from playground.cli.parser import option_of
from playground.errors import InputError
from playground.methods.base.method import Method
from playground.methods.base.registry import method_of

if TYPE_CHECKING:
    from playground.library.prompts import PromptSet
    from playground.library.vector_set import VectorSet
    from playground.methods.base.request import FindRequest

_FROM_THE_FILE = (
    *("prompts", "prompt", "count", "sample", "sample_seed", "balance", "system", "raw", "chat", "thinking", "date"),
    *("source", "target", "tokens", "read_sinks"),
)
"""Options that a set which is continued says itself, beside settings of its method."""


def check(options: argparse.Namespace) -> None:
    """Check which options go together with --continue, without imports that take time. Raises InputError."""
    method = method_of(options.method)
    if method.continues is None:
        return
    fixed = [name for name in method.options if name not in method.continues.may_change]
    if options.so_far is not None:
        for name in (*_FROM_THE_FILE, *fixed):
            value, option = getattr(options, name), option_of(name)
            if value is not None and value is not False:  # block 0 is a layer
                raise InputError(
                    f"Expected --continue to take {option} from its file, got {option} too; leave it out, or start a "
                    "set of its own."
                )
        if options.seed != 0:
            raise InputError("Expected --continue to take the seed from its file, got --seed too; leave it out.")
        return
    if options.first is not None:
        raise InputError("Expected --first beside --continue FILE, got it alone; name the set to go on with.")
    missing = [option_of(name) for name in ("source", "target", *fixed, "out") if getattr(options, name) is None]
    if options.prompts is None and options.prompt is None:
        missing.insert(0, "--prompts or --prompt")
    if missing:
        raise InputError(f"Expected {', '.join(missing)}, or --continue FILE, got nothing for it; see --help.")


def asked(options: argparse.Namespace, so_far: VectorSet | None = None) -> FindRequest:
    """The request of these options; `so_far` is the set of --continue. Raises InputError and FileError."""
    from playground.methods.base.request import find_request
    from playground.services.find.continuing import continued

    method = method_of(options.method)
    names = (*method.options, "read_sinks", "vectors")
    given: dict[str, Any] = {key: getattr(options, key) for key in names if getattr(options, key, None) is not None}
    if getattr(options, "memory", None) is not None:
        given["memory_budget"] = round(options.memory * 2**20)
    if so_far is not None:
        return continued(so_far, given.pop("vectors", _goal(method, so_far)), **given)
    if options.tokens is not None:
        given["target_tokens"] = None if options.tokens == "all" else options.tokens
    return find_request(
        options.method,
        source=options.source,
        target=options.target,
        seed=options.seed,
        **_prompts(options),
        **given,
    )


def _goal(method: Method, so_far: VectorSet) -> int:
    """Usual --vectors of a continued set: as many more as is usual for the method, within the width."""
    usual, beside = (1, 0) if method.count is None else (method.count.usual, method.count.beside)
    return max(so_far.rows + 1, min(so_far.rows + usual, so_far.origin.width - beside))


def _prompts(options: argparse.Namespace) -> dict[str, Any]:
    """Request fields for the prompts: texts of both sides, their format, and the set they come from."""
    from playground.cli.prompts import prompt_fields_of, prompt_set_of

    two_sides, prompt_set = method_of(options.method).reads.sides > 1, prompt_set_of(options)
    if not two_sides:
        return prompt_fields_of(options, prompt_set)
    if prompt_set is None or prompt_set.one_sided:
        return prompt_fields_of(options, prompt_set) | _other_side(options)
    _refuse_another_side(options, prompt_set)
    return prompt_fields_of(options, prompt_set, two_sides)


def _refuse_another_side(options: argparse.Namespace, prompt_set: PromptSet) -> None:
    for name in ("against", "against_prompt", "matching", "other"):
        if getattr(options, name):
            raise InputError(
                f"Expected one set when it has both sides, as {prompt_set.name} has, got {option_of(name)} too; leave "
                "it out."
            )


def _other_side(options: argparse.Namespace) -> dict[str, Any]:
    from playground.library import prompts

    matching, other = options.matching or [], options.other or []
    if len(matching) != len(other):
        raise InputError(
            f"Expected --matching and --other equally often, got them {len(matching)} and {len(other)} times; "
            "give a pair for each prompt."
        )
    against = tuple(options.against_prompt or ())
    if options.against is not None:
        against = prompts.read(options.against).texts()
    return {"against": against, "answers": tuple(zip(matching, other, strict=True))}
