"""Files of a Jacobian lens (Gurnee et al., 2026): mean Jacobians from layers to the last one, as PyTorch saves them.

A dictionary of `J`, {layer: (d, d) half precision}, the rows of J[ℓ] what the last block puts out and its columns the
residual stream at ℓ; `n_prompts`, `d_model` and `source_layers`. The mean is over positions and prompts, the first 16
positions of each left out. Only tensors and plain values are read, no code: `weights_only`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from playground.errors import FileError
from playground.library.text import shown
from playground.library.torch_file import load_plain

MOST_WIDTH = 65_536
"""Four times the widest models."""
_AGAIN = "download it again, or choose another file."


@dataclass(frozen=True, eq=False)
class Lens:
    """`jacobians` by source layer, (d, d) each in the file's dtype, over `prompts` prompts; `name` is the file's."""

    jacobians: Mapping[int, Tensor]
    prompts: int
    width: int
    name: str

    def at(self, layer: int, width: int, model: str) -> Tensor:
        """J (d, d) float32 from `layer` to the last block. Raises FileError for a model of another width, a layer that
        it lacks, and numbers that are not finite.
        """
        if width != self.width:
            raise FileError(
                f"Expected a lens of width {width}, the width of {model}, got {self.name} of width {self.width}; "
                "choose the lens of this model."
            )
        found = self.jacobians.get(layer)
        if found is None:
            there = sorted(self.jacobians)
            listed = ", ".join(map(str, there)) if len(there) <= 8 else f"{there[0]} to {there[-1]}"
            raise FileError(
                f"Expected layer {layer}, the source of the set, in {self.name}, got layers {listed}; choose another "
                "lens, or leave it out."
            )
        matrix = found.float()
        if not bool(matrix.isfinite().all()):
            raise FileError(f"Expected finite numbers at layer {layer} of {self.name}, got NaN or infinity; {_AGAIN}")
        return matrix


def read_lens(path: Path | str) -> Lens:
    """The lens in a file. Raises FileError, and nothing else, when there is none."""
    path = Path(path)
    content = load_plain(path, "a Jacobian lens")
    try:
        return _checked(content, path.name)
    except FileError as error:
        raise FileError(f"{path.name}: {error}") from error


def _checked(content: Any, name: str) -> Lens:
    if not isinstance(content, dict):
        raise FileError(f"Expected a dictionary with `J`, got a {type(content).__name__}; {_AGAIN}")
    missing = [key for key in ("J", "n_prompts", "d_model") if key not in content]
    if missing:
        keys = ", ".join(shown(key) for key in list(content)[:6])
        raise FileError(f"Expected `{missing[0]}` in a Jacobian lens, got keys {keys or 'none'}; {_AGAIN}")
    jacobians, prompts, width = content["J"], content["n_prompts"], content["d_model"]
    for key, value, most in (("n_prompts", prompts, 2**53), ("d_model", width, MOST_WIDTH)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise FileError(f"Expected `{key}` to be a whole number from 1 to {most}, got {shown(value)}; {_AGAIN}")
    if not isinstance(jacobians, dict) or not jacobians:
        raise FileError(f"Expected `J` to hold a matrix a layer, got {shown(type(jacobians).__name__)}; {_AGAIN}")
    for layer, matrix in jacobians.items():
        if not isinstance(layer, int) or isinstance(layer, bool) or not 0 <= layer < 2**16:
            raise FileError(f"Expected the layers of `J` to be numbers from 0 on, got {shown(layer)}; {_AGAIN}")
        if not _is_matrix(matrix, width):
            got = tuple(matrix.shape) if isinstance(matrix, Tensor) else type(matrix).__name__
            raise FileError(
                f"Expected {width}×{width} floating-point numbers, `d_model` of them squared, at layer {layer}, got "
                f"{shown(str(got))}; {_AGAIN}"
            )
    return Lens(jacobians, prompts, width, name)


def _is_matrix(matrix: object, width: int) -> bool:
    """Whether it is a dense matrix (d, d) that the file holds all numbers of: a view may claim more than there are."""
    return (
        isinstance(matrix, Tensor)
        and matrix.layout == torch.strided
        and matrix.device.type == "cpu"
        and matrix.is_floating_point()
        and matrix.shape == (width, width)
        and matrix.untyped_storage().nbytes() >= width * width * matrix.element_size()
    )
