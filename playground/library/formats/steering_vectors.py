"""Vectors of the package steering-vectors: the fields of its SteeringVector, as torch.save writes them.

`layer_activations`, {layer: (d,)}, is added to the output of the layer's module of `layer_type`; layers are blocks from
0 (https://github.com/steering-vectors/steering-vectors). `SteeringVector(**torch.load(file))` reads the file there.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from playground.errors import FileError
from playground.library.formats.format import ONE_A_LAYER, Format
from playground.library.text import shown

if TYPE_CHECKING:
    from playground.library.directions import Directions

BLOCK, MLP = "decoder_block", "mlp"
"""Values of `layer_type`; others (attention, norms) are no places where this program adds."""


def read(path: Path) -> Directions | None:
    from playground.library.directions import BLOCKS, MLP_OUTPUT, Directions
    from playground.library.origin import HOOK_SITE
    from playground.library.torch_file import load_plain

    content = load_plain(path, "vectors")
    if not isinstance(content, dict) or "layer_activations" not in content:
        return None
    layers, kind = content["layer_activations"], content.get("layer_type", BLOCK)
    if not isinstance(layers, dict):
        raise FileError(
            f"Expected `layer_activations` to be {{layer: vector}}, got {shown(type(layers).__name__)}; save the "
            "vector's fields."
        )
    if kind not in (BLOCK, MLP):
        raise FileError(f"Expected vectors of {BLOCK} or {MLP}, got {shown(kind)}; train them at a block's output.")
    return Directions(layers, counted=BLOCKS, site=HOOK_SITE if kind == BLOCK else MLP_OUTPUT)


def write(directions: Directions) -> bytes:
    import torch

    file = io.BytesIO()
    layers = {layer: vector[0].clone() for layer, vector in directions.layers.items()}
    torch.save({"layer_activations": layers, "layer_type": BLOCK}, file)
    return file.getvalue()


FORMAT = Format(
    ".pt", "directions", read, write, place=3, name="steering-vectors", label="steering-vectors (.pt)",
    loses=ONE_A_LAYER,
)  # fmt: skip
