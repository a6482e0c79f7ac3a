"""Vectors as a safetensors file of tensors alone: `layer.N` (k, d), or whatever names other tools gave them.

What is written says in its metadata that layers are blocks counted from 0, and names and positions; a file without that
is asked about its layers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.errors import FileError
from playground.library.formats.format import Format
from playground.library.strict_json import parse_json
from playground.library.tensor_names import by_layer
from playground.library.text import shown

if TYPE_CHECKING:
    from playground.library.directions import Directions

_KEY = "directions"
"""Of the metadata: what the file says of its tensors, as JSON."""


def read(path: Path) -> Directions | None:
    import safetensors
    from safetensors.torch import load

    from playground.library.directions import COUNTINGS, SITES
    from playground.library.header import ATLAS_KEY, DOCUMENT_KEY, read_metadata

    with path.open("rb") as file:
        _, _, metadata = read_metadata(file, path.stat().st_size)
    if DOCUMENT_KEY in metadata:
        return None  # a vector set, which is read whole
    if ATLAS_KEY in metadata:
        raise FileError("Expected vectors, got an atlas; open it in Atlas, or save the vectors of one cell.")
    try:
        tensors = dict(sorted(load(path.read_bytes()).items()))  # they come in no order
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError, safetensors.SafetensorError) as error:
        raise FileError("Expected a whole safetensors file, got one that is damaged; get it again.") from error
    said = _said(metadata.get(_KEY))
    found = by_layer(
        tensors,
        counted=said["counted"] if said.get("counted") in COUNTINGS else None,
        site=said["site"] if said.get("site") in SITES else None,
        positions=said.get("positions", "all"),
        model=said.get("model", ""),
    )
    return _with_labels(found, said.get("labels"))


def write(directions: Directions) -> bytes:
    from safetensors.torch import save

    said = {
        "counted": directions.counted,
        "site": directions.site,
        "positions": directions.positions,
        "model": directions.model,
        "labels": {str(layer): list(names) for layer, names in directions.labels.items()},
    }
    tensors = {f"layer.{layer}": vectors.clone() for layer, vectors in directions.layers.items()}
    return save(tensors, metadata={_KEY: json.dumps(said)})


def _said(text: object) -> dict[str, Any]:
    try:
        said = parse_json(text) if isinstance(text, str) else {}
    except ValueError as error:
        raise FileError(f"Expected JSON under `{_KEY}` in the metadata, got {error}; write the file again.") from error
    wrong = [key for key in ("positions", "model") if not isinstance(said, dict) or type(said.get(key, "")) is not str]
    if wrong:
        raise FileError(f"Expected an object of texts under `{_KEY}`, got {shown(text)}; write the file again.")
    return said


def _with_labels(found: Directions, labels: object) -> Directions:
    """With the names of rows that the metadata has."""
    from dataclasses import replace

    from playground.library.directions import label_of

    if not isinstance(labels, dict):
        return found
    named = {
        layer: tuple(map(label_of, labels[str(layer)]))
        for layer in found.layers
        if isinstance(labels.get(str(layer)), list)
    }
    return replace(found, labels=named) if named else found


FORMAT = Format(
    ".safetensors", "directions", read, write, place=5, name="safetensors", label="tensors alone (.safetensors)",
    several=True, positions=(),
    loses="Names and positions stand beside the tensors: native norms where a scale is given, found scales, stars and "
    "where the vectors come from are not in it.",
)  # fmt: skip
