"""python -m playground export: what a recipe adds, or rows of a set, as a file of another tool."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from playground.cli.outcome import Outcome, check_out
from playground.cli.parser import add_json, add_positions, one_of
from playground.errors import InputError
from playground.library.formats.format import Format
from playground.library.formats.registry import formats

SUMMARY = "write vectors as a file of another tool: llama.cpp, EasySteer, repeng, steering-vectors, plain tensors"


def _written() -> dict[str, Format]:
    return {name: each for name, each in formats("directions").items() if each.write is not None}


DESCRIPTION = (
    "Write what a recipe adds, one vector a layer with its scale included, or the rows of a set. What the file cannot\n"
    "hold is said on standard error. No model is needed. Formats:\n\n"
    + "\n".join(f"  {name:18}{each.label}" for name, each in _written().items())
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="RECIPE|FILE",
        help="a recipe such as FILE#0@8,FILE#mean:0-3@1n, or a vector set by file or name",
    )  # fmt: skip
    parser.add_argument(
        "--format", metavar="NAME", required=True, type=one_of("a format", tuple(_written())),
        help=", ".join(_written()),
    )  # fmt: skip
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--rows", metavar="ROWS", help="of a set: all, starred, kept, a range like 0-11, or numbers like 0,3,7 (all)"
    )
    parser.add_argument(
        "--scale", metavar="SCALE", help="of a set: each row at this scale, with its unit: 8, 0.2r, 1f (as it is)"
    )
    add_positions(parser, "the vectors")
    parser.add_argument(
        "--hint", metavar="NAME", help="what a control vector calls the model (its architecture, where it is here)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> Outcome:
    from playground.cli.terminal import tell
    from playground.library.atomic import write_atomically
    from playground.library.exchange import exported, format_of

    form = format_of(options.format)
    check_out(options.out, f"vectors{form.suffix}")
    if options.out.suffix.lower() != form.suffix:
        raise InputError(
            f"Expected --out with a name that ends in {form.suffix}, as files of {options.format} do, got "
            f"{options.out.name}; rename it."
        )
    directions = _directions(options)
    made = exported(directions, options.format)
    write_atomically(options.out, made.data)
    for sentence in made.said:
        tell(sentence)
    layers = [{"layer": layer, "vectors": len(vectors)} for layer, vectors in sorted(directions.layers.items())]
    data: dict[str, Any] = {
        "file": str(options.out), "format": options.format, "bytes": len(made.data), "layers": layers,
        "left_out": list(made.said),
    }  # fmt: skip
    return Outcome(data, f"{directions.shape_text} written to {options.out}")


def _directions(options: argparse.Namespace) -> Any:
    """The vectors that are asked for: a recipe has # and @, in this order; a set may have neither or one."""
    from playground.library.exchange import of_recipe, of_rows
    from playground.library.recipe import parse
    from playground.library.rows import check_rows, read_rows
    from playground.library.store import open_set

    if "@" in options.what.partition("#")[2]:
        for name in ("rows", "scale"):
            if getattr(options, name) is not None:
                raise InputError(f"Expected --{name} with a set, got it with a recipe, which says it; leave it out.")
        recipe = parse(options.what)
        hint = _hint(options, open_set(recipe.components[0].source).origin.model)
        return of_recipe(recipe, open_set, options.positions, hint)
    vector_set = open_set(options.what)
    rows = check_rows(vector_set, read_rows(options.rows or "all", vector_set))
    hint = _hint(options, vector_set.origin.model)
    return of_rows(vector_set, rows, options.scale or "", options.positions, hint)


def _hint(options: argparse.Namespace, model: str) -> str:
    """--hint, or the architecture of the model that the vectors were found on; its name where that is not known."""
    if options.hint is not None:
        return str(options.hint)
    from playground.model.architecture import architecture_of

    return architecture_of(model) or model
