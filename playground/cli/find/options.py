"""The options of `find`, method by method. Nothing here imports torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from playground.cli.parser import SEED, Parser, add_json, add_model, add_prompts, one_of, real, reals, whole

SUMMARY = "find directions in a model's residual stream"
DESCRIPTION = (
    "Find directions that, added to the residual stream at the source layer, change it most at the target layer.\n"
    "Ctrl-C keeps what there is after the step under way, writes the file, and exits with status 130."
)
METHODS = {
    "power": (
        "power iteration on the Jacobian between two layers",
        "The top singular vectors of the Jacobian from the source to the target layer, stacked over the prompts, by\n"
        "block Krylov iteration. A singular value is the gain along its direction (RMS over prompts).",
    ),
    "melbo": (
        "MELBO: pushes of a given norm with the largest effect",
        "Directions of one norm that move the residual stream at the target layer as far as they can, orthogonal to\n"
        "each other, trained together by gradient ascent. The norm is --radius, or --relative-radius times the median\n"
        "norm of the residual stream at the source layer.",
    ),
    "ortho": (
        "MELBO-ortho: directions orthogonal to a base that do the same",
        "Directions of free norm, orthogonal to the base and to each other, that move the residual stream at the\n"
        "target layer to where the base moves it. Every finished batch is written to the file; --continue goes on.",
    ),
    "difference": (
        "mean difference between two lists of prompts or answers",
        "The mean residual stream at the source layer on prompts that show a behaviour, minus that on prompts that\n"
        "do not. Contrast pairs bring both sides along, and so do choice items, whose answers follow the question\n"
        "and are read where they part; other prompts need --against.",
    ),
    "random": (
        "random directions, the baseline",
        "Directions drawn at random, with norm 1, kept like any others: the baseline that findings are judged against.",
    ),
}
READS_NO_EFFECT = ("difference", "random")
RECIPE = "FILE#ROW@SCALE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    methods = parser.add_subparsers(dest="method", metavar="METHOD", required=True, parser_class=Parser)
    for name, (summary, description) in METHODS.items():
        method = methods.add_parser(name, help=summary, description=description)
        add_prompts(method, required=name != "ortho")
        _add_directions(method, name)
        if name in _ADD:
            _ADD[name](method)
        add_model(method)
        method.add_argument(
            "--no-scales",
            dest="scales",
            action="store_false",
            help="do not look for the scales at which each vector begins to tell and breaks",
        )
        method.add_argument(
            "--out",
            metavar="FILE",
            required=name != "ortho",
            type=Path,
            help="file to write (.safetensors); one that exists is replaced"
            + ("; with --continue, that file unless another is named" if name == "ortho" else ""),
        )
        add_json(method)


def _add_directions(parser: argparse.ArgumentParser, method: str) -> None:
    group = parser.add_argument_group("directions")
    reads_an_effect = method not in READS_NO_EFFECT
    group.add_argument(
        "--source",
        metavar="S",
        required=method != "ortho",
        type=whole("a source layer", 0),
        help="block (from 0) at whose output a direction is added",
    )
    group.add_argument(
        "--target",
        metavar="T",
        required=reads_an_effect and method != "ortho",
        type=whole("a target layer", 0),
        help="block above the source at whose output the effect is read"
        + ("" if reads_an_effect else "; only noted here"),
    )
    group.add_argument(
        "--tokens",
        metavar="K",
        default={"difference": 1, "ortho": None}.get(method, 2),  # None: not given, a continued set says it
        type=whole("a number of tokens", 1, or_word="all"),
        help=_TOKENS[method],
    )
    if method != "random":
        group.add_argument(
            "--read-sinks",
            action="store_true",
            default=None,
            help="where all tokens are read, read attention sinks too, as published; without it positions whose norm "
            "exceeds ten times the median of their prompt are left out",
        )
    group.add_argument(
        "--vectors",
        metavar="k",
        default=None if method == "ortho" else 12,
        type=whole("a number of vectors", 1),
        help=_VECTORS.get(method, "how many directions (12)"),
    )
    group.add_argument(
        "--seed", metavar="N", default=0, type=SEED, help=_SEEDS.get(method, "seed of the random start (0)")
    )


_READ = "read the effect at the last K tokens of each prompt, or at all (2)"
_UNREAD = "allowed, so that every method takes the same options; "
_TOKENS = {
    "power": _READ,
    "melbo": _READ,
    "ortho": "repeat the mean effect over the last K tokens of each prompt, or over all (all)",
    "difference": "average the last K tokens of each prompt, or all (1); answers are read where they part",
    "random": f"{_UNREAD}no effect is read here",
}
_VECTORS = {
    "ortho": "at most this many directions in all (64, and as many more with --continue)",
    "difference": f"{_UNREAD}one direction is found",
}
_SEEDS = {
    "ortho": "seed of the first guesses (0)",
    "difference": f"{_UNREAD}nothing is drawn here",
    "random": "seed of the draw (0)",
}


def _add_power(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("power iteration")
    group.add_argument(
        "--steps",
        metavar="N",
        type=whole("a number of steps", 1),
        help="at most this many steps (40); it stops when the residuals are small enough",
    )
    group.add_argument(
        "--tolerance",
        metavar="X",
        type=real("a tolerance", 0, 1, above=True),
        help="the residual ‖Jᵀu − σv‖ / σ at which a direction counts as found (0.02)",
    )
    group.add_argument(
        "--block", metavar="N", type=whole("a number of columns", 1), help="columns in a product (chosen from k)"
    )
    group.add_argument(
        "--solver",
        metavar="NAME",
        type=one_of("a solver", ("krylov", "subspace")),
        help="krylov, or subspace for plain block power iteration with Rayleigh–Ritz (krylov)",
    )
    group.add_argument(
        "--start", metavar="FILE#ROW", help="start from this row, or random (random); it may have a scale"
    )
    group.add_argument(
        "--theta0", metavar=RECIPE, help="take the Jacobian where this recipe has steered the model (unsteered)"
    )
    group.add_argument(
        "--weights",
        metavar="W,…",
        type=reals("weights", 0),
        help="what each of the last K tokens counts, oldest first, joined by commas (all the same)",
    )
    group.add_argument(
        "--metric",
        metavar="NAME",
        type=one_of("a metric", ("identity", "variance", "inverse-variance")),
        help="what entries of the residual stream at the target count: identity, or by their variance over the "
        "prompts, variance or inverse-variance (identity)",
    )
    _add_memory(group)


def _add_melbo(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("MELBO")
    radius = group.add_mutually_exclusive_group()
    radius.add_argument(
        "--radius", metavar="R", type=real("a radius", 0, above=True), help="norm of every direction, absolute"
    )
    radius.add_argument(
        "--relative-radius",
        metavar="X",
        type=real("a relative radius", 0, above=True),
        help="norm of every direction in reference norms (medians) of the residual stream at the source (that up to "
        "which random pushes act as the Jacobian says, at most 0.5)",
    )
    group.add_argument("--steps", metavar="N", type=whole("a number of steps", 1), help="steps of training (300)")
    group.add_argument(
        "--learning-rate",
        metavar="X",
        type=real("a learning rate", 0, above=True),
        help="of AdamW, absolute; 0.001 was published (in proportion to the radius)",
    )
    group.add_argument("--p", metavar="X", type=real("p", 1), help="exponent that weighs tokens (2.0)")
    group.add_argument(
        "--q", metavar="X", type=real("q", 0, above=True), help="root that weighs prompts, 1 or p were published (p)"
    )
    group.add_argument(
        "--restarts",
        metavar="N",
        type=whole("a number of restarts", 1, 64),
        help="train each direction from this many starts and keep the best (4)",
    )
    group.add_argument(
        "--start",
        metavar="FILE#ROW",
        help="start from this row, from power for vectors of power iteration, or from random (the best known)",
    )
    _add_memory(group)


def _add_ortho(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("MELBO-ortho")
    group.add_argument(
        "--base", metavar=RECIPE, help="what is repeated: a row, a mean FILE#mean:A-B@SCALE, or a mix by commas"
    )
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
    group.add_argument(
        "--steps", metavar="N", type=whole("a number of steps", 1), help="at most this many steps a batch (300)"
    )
    group.add_argument(
        "--batch", metavar="N", type=whole("a batch", 1, 512), help="directions that are trained together (16)"
    )
    group.add_argument(
        "--stop-share",
        metavar="X",
        type=real("a share of the effect", 0, 1),
        help="stop after a batch that keeps less than this share of the effect (0.05; 0 never stops)",
    )
    group.add_argument(
        "--penalty",
        metavar="X",
        type=real("a penalty", 0),
        help="weight of ‖θ‖² in the loss (0.0, norms are free)",
    )
    group.add_argument(
        "--learning-rate",
        metavar="X",
        type=real("a learning rate", 0, above=True),
        help="of Adam, absolute; 0.01 was published (in proportion to the norm of the base)",
    )
    _add_memory(group)


def _add_difference(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("mean difference")
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


def _add_memory(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--memory",
        metavar="MIB",
        type=real("a memory budget in MiB", 1),
        help="memory for the linearised blocks; prompts beyond it go in chunks (what is free)",
    )


_ADD = {"power": _add_power, "melbo": _add_melbo, "ortho": _add_ortho, "difference": _add_difference}
