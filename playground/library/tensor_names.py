"""Layers and labels of vectors from the keys they are kept under."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from playground.errors import FileError
from playground.library.text import shown

if TYPE_CHECKING:
    from torch import Tensor

    from playground.library.directions import Directions

_LAYER = re.compile(r"(?:(?:.*[._/ -])?(?:layers?|blocks?|h|direction)[._/ -]?)?(\d{1,9})", re.ASCII | re.IGNORECASE)
"""A number, or one behind the word layer, block or direction: "12", "layer_12", "model.layers.12"."""
MOST_NAMES = 65_536


def by_layer(content: Any, **said: Any) -> Directions:
    """Directions of {layer: tensor}, or of {name: tensor} or a list as rows at one layer that is to be asked, where
    matrices with more rows than columns hold a vector a column. `said`: other fields of Directions. Raises FileError
    for anything else.
    """
    from playground.library.directions import Directions, label_of, matrix

    if isinstance(content, list | tuple):
        rows = [matrix(tensor, f" at place {place}") for place, tensor in enumerate(content[:MOST_NAMES])]
        return by_layer({"": _stacked(rows)}, **said) if rows else by_layer(None)
    if not isinstance(content, Mapping) or not 1 <= len(content) <= MOST_NAMES:
        raise FileError(
            f"Expected a tensor, or tensors by layer or name, got {shown(type(content).__name__)}; save tensors alone."
        )
    numbers = [_number(key) for key in content]
    if None not in numbers:
        if len(set(numbers)) < len(numbers):
            raise FileError("Expected every layer once, got one under two names; rename the tensors.")
        return Directions(dict(zip(numbers, content.values(), strict=True)), **said)
    if any(number is not None for number in numbers) or not all(isinstance(key, str) for key in content):
        raise FileError(
            f"Expected names of layers for all tensors or for none, got {shown(list(map(str, content))[:4])}; rename "
            "them."
        )
    found = [matrix(tensor, f" under {shown(key)}") for key, tensor in content.items()]
    columns = all(each.shape[0] > each.shape[1] for each in found)
    rows = [each.T if columns else each for each in found]
    names = [label_of(key) for key, row in zip(content, rows, strict=True) for _ in range(len(row))]
    return Directions({None: _stacked(rows)}, labels={None: tuple(names)} if any(names) else {}, **said)


def _stacked(rows: Sequence[Tensor]) -> Tensor:
    import torch

    if len({row.shape[1] for row in rows}) > 1:
        raise FileError("Expected tensors of one width, got several; put them into a file each.")
    return torch.cat(list(rows))


def _number(key: object) -> int | None:
    """The layer that a key names; None for none."""
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    found = _LAYER.fullmatch(key) if isinstance(key, str) and len(key) < 200 else None
    return None if found is None else int(found[1])
