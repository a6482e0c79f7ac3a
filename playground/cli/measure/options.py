"""The options of `measure`, and which of them belong to which kind of measurement.

Nothing here imports torch: help and wrong options are answered at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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

SUMMARY = "measure what vectors do to choices, answers, replies and next tokens, over scales"
DESCRIPTION = (
    "What vectors do over scales, beside the model without steering and random directions of the same norms:\n\n"
    "--choices     For every item of a choice set, the log-odds of the answer that shows the behaviour over the other\n"
    "              one. Answers that differ in one token are compared by its logit, others by the log-probability of\n"
    "              the whole answer. Means weigh items whose answer is (A) and items whose answer is (B) alike;\n"
    "              intervals are 95 % bootstrap ones, over items.\n"
    "--exact       How often the reply to a question ends in the right number, with 95 % intervals (Wilson).\n"
    "--replies     What generated replies say: the share that matches each --pattern, or, for choice items, the share\n"
    "              that gives the answer showing the behaviour, gives the other one, or is unclear; 95 % intervals\n"
    "              (Wilson).\n"
    "--next-token  What multiples of one recipe do to the token after each prompt: KL(steered ‖ baseline) in nats,\n"
    "              and the probabilities of the likeliest tokens, means over prompts.\n\n"
    "Ctrl-C keeps what is complete, and exits with status 130."
)
KINDS = ("choices", "exact", "replies", "next-token")
_OVER_SCALES, _GENERATED = ("choices", "exact", "replies"), ("exact", "replies")
_OF_KINDS = {
    "--vectors": _OVER_SCALES,
    "--unit": _OVER_SCALES,
    "--leaderboard": ("choices",),
    "--steer": ("next-token",),
    "--tokens": ("next-token",),
    "--max-new-tokens": _GENERATED,
    "--temperature": _GENERATED,
    "--top-p": _GENERATED,
    "--pattern": ("replies",),
    "--samples": ("replies",),
}
"""Options that not every kind has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is asked")
    which = group.add_mutually_exclusive_group(required=True)
    which.add_argument("--choices", metavar="SET|FILE", help="a choice set by name, or a file (json, jsonl, csv)")
    which.add_argument("--exact", metavar="SET|FILE", help="questions with a number for an answer, by name or file")
    which.add_argument(
        "--replies", metavar="SET|FILE", help="prompts, choice items or questions, by name or file; texts are generated"
    )
    which.add_argument("--next-token", metavar="SET|FILE", help="a prompt set of any kind, by name or file")
    add_selection(group)
    add_format(group)
    _add_vectors(parser.add_argument_group("vectors"))
    group = parser.add_argument_group("with --choices")
    group.add_argument(
        "--leaderboard",
        action="store_true",
        help="also what every vector does to neutral prompts at its best scale, beside as many random directions "
        "(raises --controls to that); needs scales on both sides of 0",
    )
    add_decoding(parser.add_argument_group("with --exact or --replies"), tokens=64)
    group = parser.add_argument_group("with --replies")
    group.add_argument(
        "--pattern",
        metavar="NAME=REGEX",
        action="append",
        help="a regular expression that replies are searched for, and its name, such as polite='(?i)please|thank'; "
        "may be given several times; none for choice items: the two answers are looked for",
    )
    group.add_argument(
        "--samples", metavar="N", type=whole("a number of samples", 1), help="replies drawn for each item (1)"
    )
    group = parser.add_argument_group("with --next-token")
    group.add_argument(
        "--steer", metavar="RECIPE", help="FILE#ROW@SCALE or FILE#mean:A-B@MULTIPLIER, several joined by commas"
    )
    group.add_argument(
        "--tokens",
        metavar="N",
        type=whole("a number of tokens", 1),
        help="follow the N tokens that are likeliest at any scale (10)",
    )
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


def _add_vectors(group: Any) -> None:
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
        type=whole("a number of random controls", 1),
        help="random directions measured at the same layers and norms (4; where texts are generated 2)",
    )
    group.add_argument(
        "--seed", metavar="N", default=0, type=SEED, help="seed of random directions, of intervals and of draws (0)"
    )


def kind_of(options: argparse.Namespace) -> str:
    """The kind of measurement that the options ask for, of KINDS."""
    return next(kind for kind in KINDS if _value(options, f"--{kind}") is not None)


def asked_set(options: argparse.Namespace) -> str:
    """The name or the file of the set that is asked."""
    return _value(options, f"--{kind_of(options)}")


def check(options: argparse.Namespace) -> None:
    """Refuse options of another kind of measurement, missing ones, and files that cannot be written: InputError."""
    kind = kind_of(options)
    for option, kinds in _OF_KINDS.items():
        if kind not in kinds and _value(options, option) not in (None, False):
            listed = ", ".join(f"--{each}" for each in kinds[:-1]) + (" or " if kinds[1:] else "") + f"--{kinds[-1]}"
            raise InputError(f"Expected {option} with {listed}, got it with --{kind}; leave it out.")
    needed = "--steer" if kind == "next-token" else "--vectors"
    if _value(options, needed) is None:
        raise InputError(f"Expected {needed} with --{kind}, got nothing for it; name what is measured.")
    if options.scales is None and (kind == "next-token" or options.unit in ("r", "a")):
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
    for path, suffixes in ((options.out, (".json", ".csv")), (options.items_out, (".csv",))):
        if path is None:
            continue
        if path.suffix not in suffixes:
            raise InputError(f"Expected a file that ends in {' or '.join(suffixes)}, got {path}; rename it.")
        check_out(path, f"measured{suffixes[0]}")


def _value(options: argparse.Namespace, option: str) -> Any:
    return getattr(options, option.removeprefix("--").replace("-", "_"))
