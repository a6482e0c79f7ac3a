"""Bounds of a model's files, checked before another library builds anything from them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.errors import ModelError

MOST_BYTES = {"config.json": 2**24, ".jinja": 2**20, ".json": 2**28, ".txt": 2**28, ".model": 2**28, ".tiktoken": 2**28}
"""Of the files beside the weights, by name or suffix. The largest tokenizers are of 35 MB."""
MOST_BLOCKS = 1024
"""Eight times as many as the deepest models have. Some configurations make a list of that length at once."""
MOST_PARTS = 2**16
"""Heads, experts, labels and whatever else is counted and built one by one."""
MOST_ELEMENTS_A_BYTE, SPARE_ELEMENTS = 8, 2**24
"""Weights of a model for each byte of its files (1.58-bit ones are 5), and how many more it may have: biases that a
file leaves out, rows of an embedding that a vocabulary lacks."""

_BLOCKS = re.compile(r"(?:^|_)(?:layers?|blocks?|block_count)$")
_PARTS = re.compile(r"(?:^num_|^n_head|^n_group|experts?$|heads?$|head_count(?:_kv)?$|expert_count$|codebooks$)")


def read_json(path: Path, most: int = 2**24) -> Any:
    """The value in a small JSON file. Raises OSError, and ValueError for what is too large, too deep or no JSON."""
    if path.stat().st_size > most:
        raise ValueError(f"more than {most} bytes")
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("nesting without end") from error


def check_files(folder: Path, name: str) -> None:
    """Raises ModelError for a file beside the weights that is larger than any of its kind, or is a config.json of
    counts that no model has.
    """
    for path in sorted(folder.iterdir()):
        most = MOST_BYTES.get(path.name, MOST_BYTES.get(path.suffix))
        size = path.stat().st_size if most is not None and path.is_file() else 0
        if most is not None and size > most:
            raise ModelError(
                f"Expected at most {most >> 20} MiB in {path.name[:80]!a} of {name}, got {size >> 20}; choose another "
                "model."
            )
    config = folder / "config.json"
    if config.is_file():
        try:
            values = read_json(config)
        except (OSError, ValueError):  # transformers refuses it
            return
        check_counts(values, name)


def check_counts(config: Any, name: str) -> None:
    """Raises ModelError for a configuration, nested ones included, that counts more blocks, heads or experts than any
    model has.
    """
    waiting: list[Any] = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        for key, entry in value.items() if isinstance(value, Mapping) else ():
            most = MOST_BLOCKS if _BLOCKS.search(key) else MOST_PARTS if _PARTS.search(key) else None
            if most is not None and isinstance(entry, int | float) and not -1 <= entry <= most:
                said = f"{key[:80]!a} up to {most} in the configuration of {name}, got {repr(entry)[:20]}"
                raise ModelError(f"Expected {said}; choose another model.")
            waiting.append(entry)


def check_built(blocks: int, elements: int, tensors: int | None, file_bytes: int, name: str) -> None:
    """Raises ModelError for a model of more blocks than its files hold tensors (None: not known), or of more weights
    than their bytes can hold: what is missing would be made up, in memory.
    """
    if tensors is not None and blocks > tensors:
        raise ModelError(
            f"Expected the weights of {blocks} blocks, as the configuration of {name} says, but its files hold "
            f"{tensors} tensors; fetch the model's files again."
        )
    if elements > MOST_ELEMENTS_A_BYTE * file_bytes + SPARE_ELEMENTS:
        raise ModelError(
            f"Expected the {elements:.3g} weights that the configuration of {name} says, but its files have "
            f"{file_bytes} bytes; fetch the model's files again."
        )
