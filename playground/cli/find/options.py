"""Options of `find`, generated from the registered methods. Nothing here imports torch."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.cli.parser import SEED, Parser, add_json, add_model, add_prompts, one_of, option_of, real, reals, whole
from playground.limits import at_most, limits
from playground.methods.base.method import Method, alternatives
from playground.methods.base.registry import registered
from playground.methods.base.setting import Setting

SUMMARY = "find directions in a model's residual stream"
DESCRIPTION = (
    "Find directions that, added to the residual stream at the source layer, change it most at the target layer.\n"
    "Ctrl-C keeps what there is after the step under way, writes the file, and exits with status 130."
)
RECIPE = "FILE#ROW@SCALE"
_UNREAD = "allowed, so that every method takes the same options; "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    methods = parser.add_subparsers(dest="method", metavar="METHOD", required=True, parser_class=Parser)
    for method in registered().values():
        added = methods.add_parser(method.name, help=method.summary, description=method.description)
        # What a set that is continued says itself need not be given.
        required = method.continues is None
        add_prompts(added, required=required)
        _add_directions(added, method, required)
        _add_settings(added, method)
        add_model(added)
        added.add_argument(
            "--no-scales",
            dest="scales",
            action="store_false",
            help="do not look for the scales at which each vector begins to tell and breaks",
        )
        added.add_argument(
            "--out",
            metavar="FILE",
            required=required,
            type=Path,
            help="file to write (.safetensors); one that exists is replaced"
            + ("" if required else "; with --continue, that file unless another is named"),
        )
        add_json(added)


def _add_directions(parser: argparse.ArgumentParser, method: Method, required: bool) -> None:
    group, reads, count = parser.add_argument_group("directions"), method.reads, method.count
    group.add_argument(
        "--source",
        metavar="S",
        required=required,
        type=whole("a source layer", 0),
        help="block (from 0) at whose output a direction is added",
    )
    group.add_argument(
        "--target",
        metavar="T",
        required=reads.target and required,
        type=whole("a target layer", 0),
        help="block above the source at whose output the effect is read"
        + ("" if reads.target else "; only noted here"),
    )
    group.add_argument(
        "--tokens",
        metavar="K",
        type=whole("a number of target tokens", 1, limits().target_tokens, or_word="all"),
        help=f"{_UNREAD}no effect is read here" if reads.tokens is None else reads.help,
    )
    if reads.tokens is not None:
        group.add_argument(
            "--read-sinks",
            action="store_true",
            default=None,
            help="where all tokens are read, read attention sinks too, as published; without it positions whose norm "
            "exceeds ten times the median of their prompt are left out",
        )
    most = None if count is None else count.most
    group.add_argument("--vectors", metavar="k", type=whole("a number of vectors", 1, most), help=_vectors(method))
    seed = f"{_UNREAD}nothing is drawn here" if count is None else f"{method.seed} (0)"
    group.add_argument("--seed", metavar="N", default=0, type=SEED, help=seed)


def _vectors(method: Method) -> str:
    if method.count is None:
        return f"{_UNREAD}how many are found is not chosen here"
    more = "" if method.continues is None else ", and as many more with --continue"
    return f"{method.count.help} ({method.count.usual}{more}; {at_most(method.count.most)})"


def _add_settings(parser: argparse.ArgumentParser, method: Method) -> None:
    group = parser.add_argument_group(method.called)
    if method.continues is not None:
        _add_continuing(group)
    for names in alternatives(method.options):
        place = group if len(names) == 1 else group.add_mutually_exclusive_group()
        for name in names:
            one = method.options[name]
            metavar = one.metavar or _METAVARS[one.kind]
            more = f"; {at_most(one.bound)}" if one.limit else ""
            words = f"{one.help}{more}".replace("%", "%%")
            several: dict[str, Any] = {"action": "extend", "nargs": "+"} if one.kind == "texts" else {}
            place.add_argument(option_of(name), metavar=metavar, type=_reader(one), help=words, **several)
    if method.reads.sides > 1:
        _add_sides(group)
    if method.reads.target:
        group.add_argument(
            "--memory",
            metavar="MIB",
            type=real("a memory budget in MiB", 1),
            help="memory for the linearised blocks; prompts beyond it go in chunks (what is free)",
        )


_METAVARS = {"whole": "N", "real": "X", "reals": "X,…", "choice": "NAME", "texts": "TEXT"}
_METAVARS |= {"row": "FILE#ROW", "recipe": RECIPE}


def _reader(one: Setting) -> Callable[[str], Any]:
    """An argparse type for a setting."""
    what = one.quantity if len(one.quantity) == 1 else f"a {one.quantity}"
    if one.kind == "whole":
        return whole(what, int(one.least), None if one.bound == math.inf else int(one.bound))
    if one.kind == "real":
        return real(what, one.least, one.bound, one.above)
    if one.kind == "reals":
        return reals(what, one.least)
    return one_of(what, one.choices) if one.kind == "choice" else str


def _add_continuing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--continue",
        metavar="FILE",
        dest="so_far",
        type=Path,
        help="go on with the set in this file; prompts, layers, base and settings are those of the file",
    )
    group.add_argument(
        "--first",
        metavar="N",
        type=whole("a number of rows", 1),
        help="with --continue: go on after its first N rows; later ones are found anew (all rows are kept)",
    )


def _add_sides(group: argparse._ArgumentGroup) -> None:
    side = group.add_mutually_exclusive_group()
    side.add_argument("--against", metavar="SET|FILE", help="the prompts that do not show the behaviour")
    side.add_argument(
        "--against-prompt",
        metavar="TEXT",
        action="extend",
        nargs="+",
        help="one such prompt or several, each in quotes; may be given several times",
    )
    group.add_argument(
        "--matching",
        metavar="TEXT",
        action="append",
        help="an answer that shows the behaviour, one for each prompt, in their order",
    )
    group.add_argument(
        "--other", metavar="TEXT", action="append", help="an answer that does not show it, one for each prompt"
    )
