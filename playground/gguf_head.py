"""The head of a GGUF file, read within bounds: metadata and the descriptions of its tensors.

The gguf package makes arrays for every element as the counts of a file say, true or not; here each count is compared
with the bytes that are left (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

VERSIONS = (2, 3)
MOST_ENTRIES = 2_000_000
"""Elements of all arrays: four times the tokens, scores and merges of the largest vocabularies. The package that reads
them for transformers takes 300 bytes for each."""
MOST_TENSORS = 100_000
MOST_DIMENSIONS = 4
MOST_TEXT = 2**24
"""Bytes of one text."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True)
class Described:
    """Description of a tensor: `shape` as the file has it (the fastest axis first), `kind` the number of its type,
    `place` of its first byte in the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    place: int
    size: int

    @property
    def weights(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Head:
    """`values`: the metadata that are single numbers and texts. `described`: the tensors in the order of the file.
    `order`: "<" or ">", of the bytes of a number.
    """

    values: dict[str, int | float | str]
    described: tuple[Described, ...]
    order: str

    @property
    def tensors(self) -> int:
        """Number of tensors."""
        return len(self.described)

    @property
    def weights(self) -> int:
        """Number of elements of all tensors."""
        return sum(each.weights for each in self.described)

    @property
    def blocks(self) -> int:
        """Number of blocks that have a tensor."""
        return len({each.name.split(".")[1] for each in self.described if each.name.startswith("blk.")})


def read(path: Path) -> Head:
    """The head of a file. Raises OSError, and ValueError with a few words for one that is damaged or cut short."""
    with path.open("rb") as file:
        return _Reader(file, path.stat().st_size).head()


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.order, self.entries = file, size, "<", 0

    def head(self) -> Head:
        if self.take(4) != b"GGUF":
            raise ValueError("it does not begin as one")
        version = self.take(4)
        if version[:2] == b"\0\0":
            self.order = ">"
        (number,) = struct.unpack(f"{self.order}I", version)
        if number not in VERSIONS:
            raise ValueError(f"it is of version {number}")
        tensors, pairs = self.number("Q"), self.number("Q")
        self.fits(pairs, 12)
        values: dict[str, int | float | str] = {}
        seen = set()
        for _ in range(pairs):
            key = self.text()
            if key in seen:
                raise ValueError("a key stands in it twice")
            seen.add(key)
            value = self.value(self.number("I"))
            if value is not None:
                values[key] = value
        self.fits(tensors, 24)
        if tensors > MOST_TENSORS:
            raise ValueError(f"it has more than {MOST_TENSORS} tensors")
        described = [self.tensor() for _ in range(tensors)]
        if len({each.name for each in described}) < tensors:
            raise ValueError("a tensor stands in it twice")
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 2**20 or alignment & (alignment - 1):
            raise ValueError("its alignment is no power of two")
        start = -(-self.file.tell() // alignment) * alignment
        placed = tuple(replace(each, place=start + each.place) for each in described)
        if any(each.place + each.size > self.size for each in placed):
            raise ValueError("it is cut short")
        return Head(values, placed, self.order)

    def take(self, count: int) -> bytes:
        if count > self.size - self.file.tell():
            raise ValueError("it is cut short")
        return self.file.read(count)

    def fits(self, count: int, size: int) -> None:
        """Raises ValueError unless `count` things of at least `size` bytes can follow."""
        if count * size > self.size - self.file.tell():
            raise ValueError("it is cut short")

    def number(self, kind: str) -> int:
        return int(struct.unpack(f"{self.order}{kind}", self.take(struct.calcsize(f"<{kind}")))[0])

    def text(self) -> str:
        length = self.number("Q")
        if length > MOST_TEXT:
            raise ValueError("a text in it is too long" if length <= self.size else "it is cut short")
        return self.take(length).decode()

    def value(self, kind: int, depth: int = 0) -> int | float | str | None:
        """A value; None for an array, which is only walked over."""
        if kind in _SCALARS:
            found = struct.unpack(f"{self.order}{_SCALARS[kind]}", self.take(struct.calcsize(f"<{_SCALARS[kind]}")))
            return found[0]  # type: ignore[no-any-return]
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY or depth > 1:
            raise ValueError(f"a value in it is of the unknown type {kind}")
        inner, count = self.number("I"), self.number("Q")
        size = struct.calcsize(f"<{_SCALARS[inner]}") if inner in _SCALARS else 8
        self.fits(count, size)
        self.entries += count
        if self.entries > MOST_ENTRIES:
            raise ValueError(f"it lists more than {MOST_ENTRIES} values")
        if inner in _SCALARS:
            self.file.seek(count * size, 1)
        else:
            for _ in range(count):
                self.value(inner, depth + 1)
        return None

    def tensor(self) -> Described:
        """The description of a tensor, its place counted from where the data begin."""
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        name, count = self.text(), self.number("I")
        if count > MOST_DIMENSIONS:
            raise ValueError(f"a tensor in it has {count} dimensions")
        shape = tuple(self.number("Q") for _ in range(count))
        weights = math.prod(shape)
        kind = GGMLQuantizationType(self.number("I"))
        block, size = GGML_QUANT_SIZES[kind]
        if weights % block:
            raise ValueError("a tensor in it has broken blocks")
        return Described(name, shape, int(kind), self.number("Q"), weights // block * size)
