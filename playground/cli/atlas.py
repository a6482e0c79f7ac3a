"""python -m playground atlas: leading singular vectors of every pair of layers, written to one file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.outcome import Outcome, check_out, write_out, write_so_far
from playground.cli.parser import SEED, add_json, add_model, add_prompts, real, whole
from playground.cli.terminal import Progress, stoppable, tell
from playground.errors import Cancelled, InputError
from playground.limits import at_most, limits
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.core.atlas.sweeps import Sweeps
    from playground.library.atlas import Atlas
    from playground.library.prompts import PromptSet
    from playground.model.cut.sharded import Team
    from playground.services.atlas import AtlasProgress, AtlasRequest, AtlasResult
    from playground.services.atlas.effects import EffectsRequest, SwingRequest

SUMMARY = "map the leading directions of every pair of layers"
DESCRIPTION = (
    "Find the leading singular vectors of the Jacobian of every pair of layers s < t at once, by sweeps through the\n"
    "model that all pairs share: a fraction of the cost of `find` for each. Ctrl-C keeps the pairs that are known;\n"
    "the same command goes on from there: what was computed stands beside the file, as FILE.part, until it is whole.\n"
    "`accelerate launch --num_processes N -m playground atlas ...` shares the sweeps among N processes or devices."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompts(parser, required=True)
    group = parser.add_argument_group("layers and vectors")
    group.add_argument("--source", metavar="S", type=whole("a source layer", 0), help="first source layer (0)")
    group.add_argument("--target", metavar="T", type=whole("a target layer", 1), help="last target layer (the last)")
    group.add_argument(
        "--every", metavar="N", default=1, type=whole("a step between layers", 1),
        help="take every N-th layer between them, and the last (1)",
    )  # fmt: skip
    group.add_argument(
        "--tokens", metavar="K", type=whole("a number of target tokens", 1, limits().target_tokens, or_word="all"),
        help="read the effect on the last K tokens of each prompt, or on all but attention sinks (2)",
    )  # fmt: skip
    group.add_argument(
        "--vectors", metavar="k", type=whole("a number of vectors", 1, limits().vectors),
        help=f"vectors of every pair (4; {at_most(limits().vectors)})",
    )  # fmt: skip
    group.add_argument("--seed", metavar="N", type=SEED, default=0, help="seed of the first rows (0)")
    group.add_argument(
        "--kl", metavar="R", type=real("a relative scale", 0, limits().effect_scale, above=True),
        help="then measure KL(steered ‖ baseline) of the next token with every vector and its negative at this scale, "
        "relative to the reference norm of its source, beside as many random directions; where the largest makes text "
        "break, the next counts",
    )  # fmt: skip
    group.add_argument(
        "--swing", metavar="R", type=real("a relative scale", 0, limits().effect_scale, above=True),
        help="with --prompts of choice items: measure too how far every vector and its negative move the log-odds of "
        "their answers apart at this scale, mean over the first 16 items of the set, beside as many random directions",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="file to write (.safetensors)")
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    check_out(options.out, "map.atlas.safetensors")
    from playground.model.cut.sharded import Team, processes_launched

    if processes_launched() == 1:
        return _computed(options)
    team = Team()
    options.device = options.device or team.device
    if team.place:
        _help(options, team)
        raise SystemExit
    try:
        return _computed(options, team)
    finally:
        team.tell(None)  # the others end


def _help(options: argparse.Namespace, team: Team) -> None:
    """What the processes of a team do beside the first, which alone speaks and writes. Ctrl-C is for that one."""
    import signal

    from playground.model.cut.sharded import serve
    from playground.model.load import load
    from playground.services.atlas.run import prepared

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def prepare() -> Sweeps:
        loaded = load(options.model, options.device, options.dtype, adapter=options.adapter)
        return prepared(loaded, _asked(options, loaded))

    serve(prepare, team)


def _computed(options: argparse.Namespace, team: Team | None = None) -> Outcome:
    from playground.cli.estimates import tell_expected
    from playground.cli.models import load_quietly
    from playground.library import atlas as files
    from playground.services.atlas import atlas, partial_file
    from playground.services.atlas.facts import facts
    from playground.services.estimates import learn, work_of_atlas

    progress, choices = Progress(), _choices(options)
    loaded = load_quietly(options, progress)
    request = _asked(options, loaded)
    request.encode(loaded)
    part = partial_file.beside(options.out)
    so_far = partial_file.read(part, loaded, request)
    if so_far is not None:
        tell(f"going on from {part}.")
    work = work_of_atlas(loaded, request)
    tell_expected(progress, loaded, work)

    def keep(state: dict[str, Any]) -> None:
        write_so_far(part, partial(partial_file.write, state, loaded, request))

    with stoppable(progress) as stopped:
        result = atlas(loaded, request, lambda event: progress.show(_line(event)), stopped, keep, so_far, team)
        made = result.atlas
        write_out(options.out, partial(files.save, made))
        for effect in _effects(options, choices):
            if not stopped():
                made = _measured(effect, loaded, made, progress, stopped)
                write_out(options.out, partial(files.save, made))
    if result.cancelled:
        known = len(result.atlas.pairs)
        tell(f"stopped; {options.out} holds {known} of {request.pairs} pairs, {result.unfinished} not converged.")
    else:
        part.unlink(missing_ok=True)
        if so_far is None:
            learn(loaded, work, result.seconds)
    data = {"file": str(options.out), **facts(result, made)}
    return Outcome(data, _text(options.out, made, result), interrupted=stopped())


def _choices(options: argparse.Namespace) -> PromptSet | None:
    """The whole choice set of --swing; None without. Raises InputError for other prompts."""
    if options.swing is None:
        return None
    from playground.library import prompts
    from playground.services.atlas.effects import SwingRequest

    if options.prompts is None:
        raise InputError("Expected --swing with --prompts, a set of choice items, got --prompt; name a set.")
    return SwingRequest(prompts.read(options.prompts), options.swing).choices


def _effects(options: argparse.Namespace, choices: PromptSet | None) -> list[EffectsRequest | SwingRequest]:
    from playground.services.atlas.effects import EffectsRequest, SwingRequest

    asked: list[EffectsRequest | SwingRequest] = [] if options.kl is None else [EffectsRequest(options.kl)]
    return asked if choices is None else [*asked, SwingRequest(choices, options.swing)]


def _measured(
    request: EffectsRequest | SwingRequest, loaded: Any, made: Atlas, progress: Progress, stopped: Any
) -> Atlas:
    """The atlas with an effect; as it is where a stop came before the first source was done."""
    from playground.services.atlas.effects import measure_effects

    def show(event: Any) -> None:
        progress.show(f"{event.name} · source {event.done} of {event.total} · {event.seconds:.1f} s{to_go(event)}")

    try:
        return measure_effects(loaded, made, request, show, stopped)
    except Cancelled:
        return made


def _asked(options: argparse.Namespace, loaded: Any) -> AtlasRequest:
    from playground.cli.prompts import prompt_fields_of, prompt_set_of
    from playground.services.atlas import atlas_request

    given: dict[str, Any] = {"seed": options.seed}
    if options.vectors is not None:
        given["vectors"] = options.vectors
    if options.tokens is not None:
        given["target_tokens"] = None if options.tokens == "all" else options.tokens
    last = loaded.block_count - 1
    for name, value in (("--source", options.source), ("--target", options.target)):
        if value is not None and value > last:
            raise InputError(f"Expected {name} of at most {last}, the last block of {loaded.name}, got {value}.")
    fields = prompt_fields_of(options, prompt_set_of(options))
    return atlas_request(loaded, options.source, options.target, options.every, **fields, **given)


def _line(event: AtlasProgress) -> str:
    done = event.pairs - event.unfinished
    return f"{done} of {event.pairs} pairs · {event.seconds:.1f} s{to_go(event)}"


def _text(out: Path, made: Atlas, result: AtlasResult) -> str:
    """σ₁ of every pair, and its effects, as tables, sources down and targets across."""
    from playground.services.atlas.colours import COLOURS, colours_of

    shown = [colour for name, colour in colours_of(made).items() if name not in COLOURS or name == "gain"]
    lines = []
    for colour in shown:
        values = colour.of(made)
        lines += [colour.title, "     " + "".join(f"{f't={target}':>9}" for target in made.targets)]
        for source in made.sources:
            cells = (values.get((source, target)) for target in made.targets)
            row = "".join(f"{'' if value is None else f'{value:.3g}':>9}" for value in cells)
            lines.append(f"{f's={source}':<5}{row}")
    spent = f"{result.seconds:.1f} s · {result.rows_times_blocks} products of a row and a block"
    return "\n".join([*lines, "", f"{len(made.pairs)} pairs · {made.k} vectors each · {spent}", f"written to {out}"])
