"""`measure --next-token`: what multiples of one recipe do to the next token."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

from playground.analyses.next_token.run import Shifts, ShiftsRequest
from playground.analyses.next_token.run import shifts as measure
from playground.cli.measure import report
from playground.cli.measure.request import common
from playground.library.prompts import PromptSet
from playground.library.recipe import format as format_recipe
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet

__all__ = ["asked", "data", "kept", "line", "measure", "sources", "text"]


def sources(options: argparse.Namespace) -> list[str]:
    return [component.source for component in parse(options.steer).components]


def asked(options: argparse.Namespace, prompt_set: PromptSet, sets: Mapping[str, VectorSet]) -> ShiftsRequest:
    """The request that the options stand for."""
    return ShiftsRequest(
        prompts=prompt_set,
        recipe=parse(options.steer),
        multipliers=options.scales,
        **({} if options.tokens is None else {"tokens": options.tokens}),
        **common(options, prompt_set),
    )


def line(event: Shifts) -> str:
    done = f"prompt {event.done} of {len(event.request.texts)}"
    return f"{done} · {event.seconds:.0f} s · {event.seconds_to_go:.0f} s to go"


def kept(result: Shifts) -> str:
    return f"means are over the {result.done} of {len(result.request.texts)} prompts that were read"


def data(result: Shifts) -> dict[str, Any]:
    """The object that --json prints."""
    request = result.request
    return {
        **report.asked("prompts", request.prompts, result.done),
        "positions": request.positions,
        "seed": request.seed,
        "recipe": format_recipe(request.recipe),
        "norm": result.norm,
        "multipliers": list(request.multipliers),
        "kl": list(result.kl),
        "controls": [list(row) for row in result.controls],
        "tokens": [
            {
                "token_id": token.token_id,
                "text": token.text,
                "before": token.before,
                "probabilities": list(token.probabilities),
            }
            for token in result.tokens
        ],
        **report.about(result),
    }


def text(result: Shifts) -> str:
    """The result for a person to read: multiples down the page, then tokens down the page and multiples across."""
    request = result.request
    lines = [
        f"{format_recipe(request.recipe)} · norm {result.norm:.4g} · next token after {result.done} of "
        f"{len(request.texts)} prompts of {request.prompts.name}",
        "",
        f"{'multiple':>9}{'KL':>9}{f'{request.controls} random, lowest to highest KL':>40}",
    ]
    for place, multiple in enumerate(request.multipliers):
        drawn = [row[place] for row in result.controls]
        # max and min of NaN depend on its place.
        span = "not finite" if any(map(math.isnan, drawn)) else f"{min(drawn):.3f} to {max(drawn):.3f}"
        lines.append(f"{multiple:>9g}{result.kl[place]:>9.3f}{span:>40}")
    width = max(len(repr(token.text)) for token in result.tokens) + 2
    lines += ["", f"{'token':<{width}}{'before':>8}" + "".join(f"{multiple:>8g}" for multiple in request.multipliers)]
    for token in result.tokens:
        shares = "".join(f"{share:>8.1%}" for share in (token.before, *token.probabilities))
        lines.append(f"{token.text!r:<{width}}{shares}")
    return "\n".join(lines)
