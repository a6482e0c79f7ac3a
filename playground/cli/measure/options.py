"""Options of `measure`, generated from the registered analyses, and checks of which go together.

Nothing here imports torch: help and wrong options are answered at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from playground.analyses.analysis import Analysis, Option
from playground.analyses.registry import measured
from playground.cli.outcome import check_out
from playground.cli.parser import (
    SEED,
    add_decoding,
    add_format,
    add_json,
    add_model,
    add_positions,
    add_selection,
    one_of,
    reals,
    whole,
)
from playground.cli.sets import add_sets
from playground.errors import InputError
from playground.library.checks import UNITS
from playground.library.formats.registry import formats
from playground.limits import at_most, limits

SUMMARY = "measure what vectors do to choices, answers, replies and next tokens, over scales"
_INDENT = max(map(len, measured())) + 4


def description() -> str:
    """Description of the command: what every analysis does, beside its option."""
    each = (
        f"{f'--{name}':<{_INDENT}}" + f"\n{'':<{_INDENT}}".join(analysis.help) for name, analysis in measured().items()
    )
    return (
        "What vectors do over scales, beside the model without steering and random directions of the same norms:\n\n"
        + "\n".join(each)
        + "\n\nCtrl-C keeps what is complete, and exits with status 130."
    )


DESCRIPTION = description()


def _takes(option: str) -> dict[str, bool]:
    """For every analysis whether it takes an option; for options of some analyses only, since others are in no list."""
    own = {"--vectors": "scales", "--unit": "scales"}
    takes = {}
    for name, analysis in measured().items():
        asked = any(each.name == option for each in analysis.options)
        takes[name] = asked or analysis.over == own.get(option) or (option in _DECODING and analysis.generates)
    return takes


_DECODING = ("--max-new-tokens", "--temperature", "--top-p")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is asked")
    which = group.add_mutually_exclusive_group(required=True)
    for name, analysis in measured().items():
        which.add_argument(f"--{name}", metavar="SET|FILE", help=analysis.asks)
    add_selection(group)
    add_format(group)
    _add_vectors(parser.add_argument_group("vectors"))
    _add_own(parser)
    add_model(parser)
    group = parser.add_argument_group("results")
    group.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="file to write: .json holds all that is needed to repeat it, .csv the rows; one that exists is replaced",
    )
    group.add_argument(
        "--items-out",
        metavar="FILE",
        type=Path,
        help="file for what was measured on every item: numbers, replies, KL of every prompt (.csv)",
    )
    add_json(parser)
    # What is not given stays None, so that an option of another kind is seen.
    parser.set_defaults(max_new_tokens=None)


def _add_vectors(group: argparse._ActionsContainer) -> None:
    add_sets(group, means=True)
    group.add_argument(
        "--scales",
        metavar="X,…",
        type=reals("a scale"),
        help="scales in the unit below, such as --scales=-10,-5,0,5,10; negative ones turn vectors around; with "
        "--steer multiples of what the recipe adds; without it -1.5 to 1.5 found scales, where all sets have them",
    )
    group.add_argument(
        "--unit",
        metavar="UNIT",
        type=one_of("unit", UNITS),
        help="what scales count: f multiples of the scale found for each vector and sign, r multiples of the reference "
        "norm that each set holds, a norms of what is added (a; f without --scales)",
    )
    group.add_argument("--relative", dest="unit", action="store_const", const="r", help="the same as --unit r")
    add_positions(group, "vectors")
    group.add_argument(
        "--controls",
        metavar="N",
        type=whole("a number of random controls", 1, limits().measured_vectors),
        help="random directions measured at the same layers and norms (4; where texts are generated 2; "
        f"{at_most(limits().measured_vectors)}, with --steer {limits().controls})",
    )
    group.add_argument(
        "--seed", metavar="N", default=0, type=SEED, help="seed of random directions, of intervals and of draws (0)"
    )


def _add_own(parser: argparse.ArgumentParser) -> None:
    """Add options of single analyses, and of those that generate text."""
    known: set[str] = set()
    for name, analysis in measured().items():
        if analysis.generates and not known & set(_DECODING):
            known |= set(_DECODING)
            add_decoding(parser.add_argument_group(f"with {_any(_takes(_DECODING[0]))}"), tokens=64)
        options = [option for option in analysis.options if option.name not in known]
        known |= {option.name for option in options}
        if options:
            group = parser.add_argument_group(f"with --{name}")
            for option in options:
                group.add_argument(option.name, **_settings(option))


def _settings(option: Option) -> dict[str, Any]:
    if option.flag:
        return {"action": "store_true", "help": option.help}
    settings: dict[str, Any] = {"metavar": option.metavar, "help": option.help}
    if option.whole is not None:
        most = getattr(limits(), option.limit) if option.limit else None
        settings["type"] = whole(option.whole, 1, most)
        settings["help"] += "" if most is None else f"; {at_most(most)}"
    return settings | ({"action": "append"} if option.several else {})


def _any(takes: dict[str, bool]) -> str:
    """The options of the analyses that take something, as "--a, --b or --c"."""
    *names, last = (f"--{name}" for name, does in takes.items() if does)
    return f"{', '.join(names)} or {last}" if names else last


def analysis_of(options: argparse.Namespace) -> Analysis:
    """The analysis whose option is given."""
    return next(analysis for name, analysis in measured().items() if _value(options, f"--{name}") is not None)


def asked_set(options: argparse.Namespace) -> str:
    """Name or file of the prompt set that the analysis asks."""
    return str(_value(options, f"--{analysis_of(options).name}"))


def check(options: argparse.Namespace) -> None:
    """Refuse options of another kind of measurement, missing ones, and files that cannot be written: InputError."""
    analysis = analysis_of(options)
    kind, mix = analysis.name, analysis.over == "mix"
    own = (option.name for each in measured().values() for option in each.options)
    for option in ("--vectors", "--unit", *own, *_DECODING):
        takes = _takes(option)
        if not takes[kind] and _value(options, option) not in (None, False):
            raise InputError(f"Expected {option} with {_any(takes)}, got it with --{kind}; leave it out.")
    needed = "--steer" if mix else "--vectors"
    if _value(options, needed) is None:
        raise InputError(f"Expected {needed} with --{kind}, got nothing for it; name what is measured.")
    if options.scales is None and (mix or options.unit in ("r", "a")):
        unit = "" if options.unit is None else f" in the unit {options.unit}"
        raise InputError(
            f"Expected --scales{unit} with --{kind}, got none; write numbers, such as --scales=-0.5,0.5."
        )
    scales = options.scales
    if options.leaderboard and scales is not None and not any(scale > 0 and -scale in scales for scale in scales):
        raise InputError(
            "Expected --leaderboard with scales on both sides of 0, such as --scales=-0.5,0.5, got none; add the other "
            "sign."
        )
    for path, suffixes in ((options.out, (".json", *formats("table"))), (options.items_out, tuple(formats("table")))):
        if path is None:
            continue
        if path.suffix not in suffixes:
            raise InputError(f"Expected a file that ends in {' or '.join(suffixes)}, got {path}; rename it.")
        check_out(path, f"measured{suffixes[0]}")


def _value(options: argparse.Namespace, option: str) -> Any:
    return getattr(options, option.removeprefix("--").replace("-", "_"))
