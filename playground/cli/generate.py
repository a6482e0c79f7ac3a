"""python -m playground generate: text without steering and with every recipe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from playground.cli.outcome import Outcome
from playground.cli.parser import add_format, add_json, add_model, add_positions, add_sampling, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import Cancelled, InputError
from playground.limits import at_most, limits
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.services.generate import GenerateProgress, GenerateRequest, GenerateResult

SUMMARY = "generate text with and without steering"
DESCRIPTION = (
    "Generate from a prompt without steering (the baseline, first) and with every recipe, in one batch.\n\n"
    "A recipe is FILE#ROW@SCALE: the row ROW (from 0) of a vector set, added with norm SCALE; a negative scale turns\n"
    "it around. FILE#mean:A-B@MULTIPLIER adds the average of rows A to B−1 in their native norm, times MULTIPLIER.\n"
    "FILE#ROW@ablate takes the component along a row out of what the block puts out, FILE#span:A-B@ablate that in the\n"
    "span of rows A to B−1, and FILE#ROW@cap=SCALE (or floor=SCALE) keeps it at SCALE at most (at least).\n"
    "A comma joins components of one recipe. FILE is a file, or the name of a set in vectors/."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("prompt")
    group.add_argument(
        "--prompt", metavar="TEXT", action="append", required=True, help="the prompt; may be given several times"
    )
    add_format(group)
    group.add_argument(
        "--turn",
        metavar="ROLE:TEXT",
        action="append",
        default=[],
        help="what was said before the prompt, “user: …” and “assistant: …” by turns; give one option for each",
    )
    group = parser.add_argument_group("steering")
    group.add_argument(
        "--steer",
        metavar="RECIPE",
        action="extend",
        nargs="+",
        default=[],
        help="one recipe or several: FILE#ROW@SCALE or FILE#mean:A-B@MULTIPLIER, joined by commas; may be given "
        "several times",
    )
    add_positions(group, "it")
    group.add_argument(
        "--random-controls",
        metavar="N",
        default=0,
        type=whole("a number of random controls", 0, limits().controls),
        help="texts with N random pushes as well, at the layers and with the norms of each recipe, drawn from the "
        f"--seed (0; {at_most(limits().controls)})",
    )
    add_sampling(
        parser, tokens=64, samples="texts for the baseline and for each recipe", most=limits().samples
    )
    parser.add_argument_group("measures").add_argument(
        "--token-kl",
        action="store_true",
        help="with --json: token_kl, KL(steered ‖ baseline) in nats where each token of a text was chosen",
    )
    add_model(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.models import load_quietly, load_sets
    from playground.services.generate import facts, generate
    from playground.services.token_kl import token_kl

    if options.token_kl and not options.json:
        raise InputError("Expected --json with --token-kl, which adds numbers to it, got none; add --json.")
    request = _request(options)
    sets = load_sets(source for recipe in request.recipes for source in recipe.sources)
    if request.samples > 1 and request.sampling.temperature == 0:
        tell("greedy decoding gives the same text in every sample; give a --temperature above 0 for different ones.")
    progress = Progress()
    loaded = load_quietly(options, progress)
    with stoppable(progress) as stopped:
        result = generate(loaded, request, sets.__getitem__, lambda event: progress.show(_line(event)), stopped)
        if result.cancelled:
            raise Cancelled
        divergence = token_kl(loaded, request, result, sets.__getitem__, stopped) if options.token_kl else None
    for warning in result.warnings:
        tell(f"warning: {warning}")
    data = facts(loaded.name, request, result)
    if divergence is not None:
        for row, tokens in zip(data["rows"], divergence, strict=True):
            row["token_kl"] = [token.kl for token in tokens]
    return Outcome(data, _text(request, result))


def _request(options: argparse.Namespace) -> GenerateRequest:
    from playground.cli.prompts import date_of, sampling_of
    from playground.library.recipe import parse
    from playground.model.conversation import parse as parse_turn
    from playground.model.prompting import PromptFormat
    from playground.services.generate import GenerateRequest

    return GenerateRequest(
        prompts=tuple(options.prompt),
        format=PromptFormat(
            chat=not options.raw,
            system=options.system or None,
            thinking=options.thinking,
            date=date_of(options, chat=not options.raw),
            turns=tuple(parse_turn(text) for text in options.turn),
        ),
        recipes=tuple(parse(text) for text in options.steer),
        positions=options.positions,
        sampling=sampling_of(options),
        samples=options.samples,
        controls=options.random_controls,
    )


def _line(event: GenerateProgress) -> str:
    return f"token {event.step} of at most {event.steps} · {event.seconds:.1f} s{to_go(event)}"


def _text(request: GenerateRequest, result: GenerateResult) -> str:
    blocks = []
    for row in result.rows:
        title = row.recipe or "baseline"
        if row.norm:
            title += f" · norm {row.norm:.4g}"
        if request.samples > 1:
            title += f" · sample {row.sample + 1}"
        if len(request.prompts) > 1:
            title += f" · {' '.join(row.prompt.split())[:60]}"
        blocks.append(f"── {title}\n{row.text}")
    return "\n\n".join(blocks)
