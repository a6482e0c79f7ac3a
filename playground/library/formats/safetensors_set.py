"""Vector sets as safetensors (vectors/FORMAT.md); library/vector_set.py reads and writes them."""

from __future__ import annotations

from typing import Any

from playground.extensions import resolve
from playground.library.formats.format import Format

_SET = "playground.library.vector_set"

# Named, not imported: this is read for command line help too, which does without torch.


def read(data: bytes, name: str = "") -> Any:
    return resolve(f"{_SET}:from_bytes")(data, name)


def write(vector_set: Any) -> bytes:
    data: bytes = resolve(f"{_SET}:to_bytes")(vector_set)
    return data


FORMAT = Format(".safetensors", "vectors", read, write, place=1)
