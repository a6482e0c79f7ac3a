"""Files of other tools: vectors out of them, and what a recipe or rows of a set add, into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from playground.core.edit import clamps_of, pushes_of
from playground.core.positions import Positions, check_positions
from playground.core.positions import said as words_of
from playground.errors import FileError, InputError
from playground.library.direction import read_scale
from playground.library.directions import BLOCKS, Directions, label_of
from playground.library.formats.format import Format
from playground.library.formats.registry import formats
from playground.library.header import DOCUMENT_KEY, read_metadata
from playground.library.mix import LoadSet
from playground.library.origin import HOOK_SITE
from playground.library.recipe import Component, Recipe, resolve
from playground.library.recipe import format as format_recipe
from playground.library.text import listed, reason, shown
from playground.library.vector_set import MAX_FILE_BYTES, VectorSet


@dataclass(frozen=True)
class Exported:
    """`data` is the file; `said` are sentences on what of the vectors it does not hold."""

    data: bytes
    said: tuple[str, ...]


def read_directions(path: Path) -> Directions:
    """The vectors in a file of another tool, told by its suffix and form. Raises FileError with the file's name, and
    nothing else, for a file that is none, and for a vector set.
    """
    known = [each for each in formats("directions").values() if each.suffix == path.suffix.lower()]
    if not known:
        suffixes = list(dict.fromkeys(each.suffix for each in formats("directions").values()))
        raise FileError(f"Expected a file that ends in {listed(suffixes)}, got {shown(path.name)}; choose another.")
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no such file"
        raise FileError(f"Expected a file of vectors at {path}, got “{got}”; check the name.") from error
    try:
        if size > MAX_FILE_BYTES:
            raise FileError(
                f"Expected vectors of at most {MAX_FILE_BYTES >> 20} MiB, got {size >> 20} MiB; choose vectors, not a "
                "model."
            )
        for each in known:
            found: Directions | None = each.read(path) if each.read is not None else None
            if found is not None:
                return found
    except OSError as error:
        raise FileError(f"Expected a file that can be read, got “{reason(error)}”; check it.") from error
    except FileError as error:
        raise FileError(f"{label_of(path.name)}: {error}") from error
    raise FileError(f"Expected a file of another tool, got the vector set {shown(path.name)}; open it as it is.")


def is_set(path: Path) -> bool:
    """Whether a file is a vector set, or is none of another tool's formats: then what is wrong with it is said as of a
    set.
    """
    if path.suffix.lower() not in {each.suffix for each in formats("directions").values()}:
        return True
    if path.suffix.lower() not in formats("vectors"):
        return False
    try:
        with path.open("rb") as file:
            _, _, metadata = read_metadata(file, path.stat().st_size)
    except (OSError, FileError):
        return True
    return DOCUMENT_KEY in metadata


def of_recipe(recipe: Recipe, load_set: LoadSet, positions: Positions = "all", hint: str = "") -> Directions:
    """What a recipe adds, one vector a block, scale included. `hint`: what the file may call the model. Raises what
    `resolve` raises, and InputError for a recipe that adds nothing.
    """
    check_positions(positions)
    edits = resolve(recipe, load_set)
    pushes = pushes_of(edits)
    if clamps_of(edits):
        raise InputError(
            "Expected a recipe that only adds, which is all that files of vectors can say, got one that ablates or "
            "caps; leave that out of it, or use the transformers script."
        )
    if not pushes:
        raise InputError("Expected a recipe that adds something, got one of scale 0; give it a scale.")
    label = label_of(format_recipe(recipe))
    return Directions(
        {push.layer: push.vector for push in pushes}, BLOCKS, HOOK_SITE, positions,
        labels={push.layer: (label,) for push in pushes}, model=hint,
    )  # fmt: skip


def of_rows(
    vector_set: VectorSet, rows: Sequence[int], scale: str = "", positions: Positions = "all", hint: str = ""
) -> Directions:
    """Rows of a set as they are, or each at a scale with its unit (`8`, `0.2r`, `1f`), with their labels. Raises
    InputError for a scale that is none or that a row does not have.
    """
    check_positions(positions)
    chosen = vector_set.take(rows)
    if scale:
        read = read_scale(scale)
        if read is None or read[0] == 0:
            raise InputError(
                f"Expected a scale other than 0, a number with a unit (a, r, n, f) if wanted, got {shown(scale)}; "
                "write it like 8 or 1f."
            )
        recipes = (Recipe((Component("set", row, None, *read),)) for row in range(chosen.rows))
        added = (pushes_of(resolve(recipe, lambda _: chosen)) for recipe in recipes)
        vectors = torch.stack([push.vector for (push,) in added])
    else:
        vectors = chosen.vectors
    layer, names = vector_set.origin.source, tuple(note.label for note in chosen.notes)
    return Directions(
        {layer: vectors}, BLOCKS, HOOK_SITE, positions, labels={layer: names} if any(names) else {}, model=hint
    )


def exported(directions: Directions, name: str) -> Exported:
    """The file of the format `name` with these vectors, whose layers are blocks. Raises InputError for a format that is
    not known, and for vectors that it cannot say.
    """
    form = format_of(name)
    assert form.write is not None  # so format_of says
    assert directions.counted == BLOCKS
    layers = sorted(layer for layer in directions.layers if layer is not None)
    if layers[0] < form.first_block:
        raise InputError(
            f"Expected blocks from {form.first_block} on, the first that {form.label} can name, got block {layers[0]}; "
            "choose another format."
        )
    most = max(len(vectors) for vectors in directions.layers.values())
    if most > 1 and not form.several:
        raise InputError(
            f"Expected one vector a layer for {form.label}, got {most}; name one row or a recipe, FILE#ROW@SCALE."
        )
    said: tuple[str, ...] = (form.loses,) if form.loses else ()
    if form.positions and directions.positions not in form.positions:
        said += (f"The file cannot say that they are added at {words_of(directions.positions)} only.",)
        directions = replace(directions, positions="all")
    ordered = replace(directions, layers={layer: directions.layers[layer] for layer in layers})
    return Exported(form.write(ordered), said)


def format_of(name: str) -> Format:
    """The format of this name that vectors are written in. Raises InputError for none."""
    known = {key: each for key, each in formats("directions").items() if each.write is not None}
    if name not in known:
        raise InputError(f"Expected a format: {listed(known)}, got {shown(name)}; choose one of them.")
    return known[name]
