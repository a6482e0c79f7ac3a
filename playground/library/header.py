"""The JSON document in a vector set's header, and the safetensors header around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, BinaryIO

from playground.errors import FileError
from playground.library.origin import MAX_NOTE, RESERVED, Origin, RowNote
from playground.library.strict_json import parse_json
from playground.library.text import is_text, shown

FORMAT_VERSION = 2
"""The version that is written. Version 1 is read too: its reference norm is a mean, its residuals count against σ₁."""
READ_VERSIONS = (1, 2)
DOCUMENT_KEY = "steering_playground"
ATLAS_KEY = "steering_playground_atlas"
"""In the place of DOCUMENT_KEY: the same document, of an atlas (library/atlas.py)."""
MAX_HEADER_BYTES = 32 * 2**20
"""More than a hundred thousand prompts in full; a length beyond it is a damaged file, not a long header."""

_REQUIRED = ("model", "width", "block_count", "source", "method", "residual_norm", "created")
_NOTE_FIELDS = tuple(item.name for item in fields(RowNote))


def write_document(origin: Origin, notes: Sequence[RowNote], description: str) -> str:
    """The JSON document of vectors/FORMAT.md, in ASCII."""
    values = {item.name: getattr(origin, item.name) for item in fields(Origin) if item.name != "extra"}
    document = {"format_version": FORMAT_VERSION, "description": description, **values}
    document["notes"] = [asdict(note) for note in notes]
    return json.dumps({**document, **origin.extra}, allow_nan=False)


@dataclass(frozen=True)
class Head:
    """A file without its tensors: shape (k, d), origin, notes (one a row, or none), description, version."""

    rows: int
    width: int
    origin: Origin
    notes: tuple[RowNote, ...]
    description: str
    version: int


def read_head(file: BinaryIO, size: int) -> Head:
    """The head of a vector set of `size` bytes. Raises FileError when it is none, or is cut short.

    Only the header is read, so that a folder of large files is listed in no time. (The safetensors library gives the
    metadata of a file that it maps into memory, and none for bytes; this reads both the same way.)
    """
    length, header, metadata = read_metadata(file, size)
    text = metadata.get(DOCUMENT_KEY)
    if not isinstance(text, str):
        if ATLAS_KEY in metadata:
            raise FileError("Expected a vector set, got an atlas; open it in Atlas, or save the vectors of one cell.")
        raise FileError(
            f"Expected a vector set, got a safetensors file without `{DOCUMENT_KEY}` in its metadata; "
            "see vectors/FORMAT.md for what a set holds."
        )
    version, origin, notes, description = read_document(text)
    rows, width = _shape_of_vectors(header)
    if size - 8 - length != _end_of_data(header):
        raise FileError(f"Expected a whole file, got one of {size} bytes that is cut short or too long{_AGAIN}")
    if width != origin.width:
        raise FileError(f"Expected vectors of width {origin.width}, as the header says, got {width}{_AGAIN}")
    if notes and len(notes) != rows:
        raise FileError(f"Expected {rows} notes, one a row, got {len(notes)}{_AGAIN}")
    return Head(rows, width, origin, notes, description, version)


def read_metadata(file: BinaryIO, size: int) -> tuple[int, Any, dict[str, Any]]:
    """Length and JSON of the header of a safetensors file of `size` bytes, and its metadata, {} without any. Raises
    FileError when it has no header.
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
        raise FileError(f"Expected a safetensors file, got {size} bytes without a safetensors header{_AGAIN}")
    try:
        header = parse_json(file.read(length).decode())
    except ValueError as error:
        raise FileError(f"Expected a safetensors file, got one with a damaged header{_AGAIN}") from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return length, header, metadata if isinstance(metadata, dict) else {}


def read_document(text: str) -> tuple[int, Origin, tuple[RowNote, ...], str]:
    """Format version, origin, notes (empty when the document has none) and description.

    Raises FileError for an unknown format version, a missing field, or a value of another type.
    """
    try:
        document = parse_json(text)
    except ValueError as error:
        raise FileError(f"Expected JSON under `{DOCUMENT_KEY}` in the header, got {error}{_AGAIN}") from error
    if not isinstance(document, dict):
        raise FileError(f"Expected the header field `{DOCUMENT_KEY}` to hold a JSON object, got another value{_AGAIN}")
    version = document.get("format_version")
    if isinstance(version, bool) or version not in READ_VERSIONS:
        raise FileError(
            f"Expected a vector set of format version {' or '.join(map(str, READ_VERSIONS))}, got version "
            f"{shown(version)}; update the playground, or save the set again with this one."
        )
    missing = [name for name in _REQUIRED if name not in document]
    if missing:
        raise FileError(f"Expected the header to say `{missing[0]}`, got none{_AGAIN}")
    description = document.get("description", "")
    check_description(description)
    notes = document.get("notes", [])
    if not isinstance(notes, list):
        raise FileError(f"Expected `notes` to be a list with an entry a row, got {shown(notes)}{_AGAIN}")
    known = {name: value for name, value in document.items() if name in RESERVED}
    for name in ("format_version", "description", "notes"):
        known.pop(name, None)
    if version == 1:
        known["reference"] = "mean"
    extra = {name: value for name, value in document.items() if name not in RESERVED}
    return version, Origin(**known, extra=extra), tuple(_read_note(note) for note in notes), description


def check_description(description: object) -> None:
    """Raises FileError unless it is text of at most MAX_NOTE characters."""
    if not is_text(description) or len(description) > MAX_NOTE:
        raise FileError(
            f"Expected a description of at most {MAX_NOTE} characters, got {shown(description)}; shorten it."
        )


_AGAIN = "; make or download the file again, or see vectors/FORMAT.md."


def _end_of_data(header: dict[str, Any]) -> int | None:
    """Bytes of tensor data that the header announces; None when its offsets are damaged."""
    try:
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (TypeError, KeyError, IndexError):
        return None
    return max(ends) if set(map(type, ends)) == {int} else None


def _read_note(value: object) -> RowNote:
    if not isinstance(value, dict):
        raise FileError(f"Expected every entry of `notes` to be an object, got {shown(value)}{_AGAIN}")
    return RowNote(**{name: value[name] for name in _NOTE_FIELDS if name in value})


def _shape_of_vectors(header: dict[str, Any]) -> tuple[int, int]:
    """(k, d) of the tensor `vectors` as the header has it; raises FileError when it is not a float32 matrix."""
    entry = header.get("vectors")
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if (
        not isinstance(entry, dict)
        or not isinstance(shape, list)
        or len(shape) != 2
        or not all(type(size) is int and 0 < size < 2**31 for size in shape)
        or entry.get("dtype") != "F32"
    ):
        got = f"{shown(entry.get('dtype'))} {shown(shape)}" if isinstance(entry, dict) else "none"
        raise FileError(f"Expected a tensor `vectors` of float32 with shape (k, d), k ≥ 1, got {got}{_AGAIN}")
    return shape[0], shape[1]
