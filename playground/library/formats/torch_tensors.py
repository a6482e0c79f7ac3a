"""Vectors as torch.save writes them: tensors, by layer or name, or beside what a script says of them.

The last is the form of the published power-iteration and MELBO scripts: `vectors` (k, d) beside `source_layer` (a block
from 0), `model`, `sigmas` or `losses`, and `capture_site` in later ones; MELBO-ortho's are tensors alone. repeng's
`directions` {layer: vector} are read too. Only tensors and plain values are read, no code.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.errors import FileError
from playground.library.formats.format import Format
from playground.library.tensor_names import by_layer

if TYPE_CHECKING:
    from playground.library.directions import Directions

_SITES = {"down_proj": "MLP output", "mlp": "MLP output", "layer_output": "block output", "block": "block output"}
MOST_SAID = 2000
"""Characters of one value that a script says of its vectors; longer ones are left out."""


def read(path: Path) -> Directions:
    from torch import Tensor

    from playground.library.directions import BLOCKS, Directions, label_of
    from playground.library.origin import HOOK_SITE
    from playground.library.torch_file import load_plain

    content = load_plain(path, "vectors")
    if isinstance(content, Tensor):
        return Directions({None: content})
    if isinstance(content, dict) and isinstance(content.get("directions"), dict):
        hint = label_of(content.get("model_type"))
        return Directions(content["directions"], counted=BLOCKS, site=HOOK_SITE, model=hint)
    if isinstance(content, dict) and "vectors" in content:
        layer = content.get("source_layer", content.get("layer"))
        layer = layer if isinstance(layer, int) and not isinstance(layer, bool) else None
        site = content.get("capture_site")
        return Directions(
            {layer: content["vectors"]},
            counted=None if layer is None else BLOCKS,
            site=_SITES.get(site) if isinstance(site, str) else None,
            model=label_of(content.get("model")),
            about=_said(content),
        )
    if isinstance(content, dict) and "J" in content and "n_prompts" in content:
        raise FileError("Expected vectors, got a Jacobian lens; give it to `python -m playground words --lens`.")
    return by_layer(content)


def write(directions: Directions) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save({layer: vectors.clone() for layer, vectors in directions.layers.items()}, file)
    return file.getvalue()


def _said(content: dict[Any, Any]) -> dict[str, Any]:
    """What a script says beside the vectors, as JSON values; tensors and what is long are left out."""
    return {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and key.isprintable() and len(key) <= 60 and key != "vectors" and _is_plain(value)
    }


def _is_plain(value: object) -> bool:
    """Whether it is a short text, a number, or a list of them that JSON holds."""
    if isinstance(value, list | tuple):
        return len(value) <= MOST_SAID and all(isinstance(one, str | int | float) and _is_plain(one) for one in value)
    if isinstance(value, str):
        return len(value) <= MOST_SAID and value.isascii()
    return value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 1e300)


FORMAT = Format(
    ".pt", "directions", read, write, place=4, name="pt", label="PyTorch tensors (.pt)", several=True,
    loses="The file is {block: (k, d)}: that blocks count from 0, names, native norms where a scale is given, found "
    "scales and where the vectors come from are not in it.",
)  # fmt: skip
