"""Library of measurements: named JSON files in the folder of vector sets (vectors/MEASURES.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.analyses import registry
from playground.errors import FileError
from playground.library.named_files import NamedFiles
from playground.library.strict_json import parse_json
from playground.library.text import reason, shown

SUFFIX = ".measure.json"
FORMAT = "steering-playground-measurement"
FORMAT_VERSION = 3
MAX_FILE_BYTES = 2**29
MOST_VALUES = 20_000_000
"""Thousands of rows times thousands of items."""


@dataclass(frozen=True)
class MeasurementEntry:
    """List entry of a measurement. For a file that cannot be read, `problem` is why, and the rest is empty.

    `asked` names the set that was asked and `asked_hash` identifies its items; only measurements of one kind, one
    hash and one fingerprint compare. `vectors` counts what was measured: vectors, or those of the mix.
    """

    name: str
    path: Path
    kind: str = ""
    model: str = ""
    fingerprint: str = ""
    asked: str = ""
    asked_hash: str = ""
    vectors: int = 0
    items: int = 0
    created: str = ""
    problem: str | None = None


class Measurements(NamedFiles):
    """The measurements of a folder, as JSON documents (analyses/common/document.py makes results of them)."""

    suffix, kind, trash = SUFFIX, "measurement", ".trash/measurements"

    def list(self) -> list[MeasurementEntry]:
        """One entry per measurement, in the order of names; damaged files with their problem."""
        return [self._entry(name) for name in self.names()]

    def load(self, name: str) -> dict[str, Any]:
        """The document of this name."""
        return read(self._existing(name))

    def save(self, document: Mapping[str, Any], name: str, overwrite: bool = False) -> Path:
        """Writes a document under a name, and returns its path. Refuses a name that is taken unless `overwrite`."""
        return self._write(name, to_bytes(document), overwrite)

    def _entry(self, name: str) -> MeasurementEntry:
        path = self.folder / f"{name}{SUFFIX}"
        try:
            path = self._file(name)
            document = read(path)
            kind, request = document["kind"], document["request"]
            analysis = registry.measured()[kind]
            asked = request[analysis.asked]
            return MeasurementEntry(
                name=name,
                path=path,
                kind=kind,
                model=str(document["model"]),
                fingerprint=str(document["fingerprint"]),
                asked=str(asked["name"]),
                asked_hash=str(asked["hash"]),
                vectors=len(request["recipe" if analysis.over == "mix" else "vectors"]),
                items=analysis.load("document").count(document),
                created=str(document["created"]),
            )
        except FileError as error:
            return MeasurementEntry(name, path, problem=str(error))
        except (KeyError, TypeError, ValueError, OverflowError):
            return MeasurementEntry(name, path, problem=str(_damaged(path, "one with parts missing")))


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """The file of a document, as bytes: JSON without spaces, since most of it is numbers."""
    head = {"format": FORMAT, "format_version": FORMAT_VERSION}
    return json.dumps(head | dict(document), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def read(path: Path | str) -> dict[str, Any]:
    """The document in a file, converted from versions 1 and 2 to version 3.

    Raises FileError when there is none, and for versions and kinds that this program does not know.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _damaged(path, f"{path.stat().st_size >> 20} MiB")
        document = parse_json(path.read_bytes().decode(), MOST_VALUES)
    except (OSError, UnicodeDecodeError) as error:
        got = reason(error) if isinstance(error, OSError) else "bytes that are no text"
        raise FileError(f"Expected a measurement at {path}, got “{got}”; check the name.") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _damaged(path, "another kind of file")
    version = document.get("format_version")
    if version == 1:  # which knew of choices only
        document = document | {"format_version": 2, "kind": "choices"}
    if document.get("format_version") == 2:
        document = document | {"format_version": FORMAT_VERSION, "request": _request_of_2(document.get("request"))}
    if document.get("format_version") != FORMAT_VERSION:
        raise FileError(
            f"{path.name}: Expected format version 1 to {FORMAT_VERSION} of a measurement, got {shown(version)}; "
            "update the playground, or measure again."
        )
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in registry.measured():
        kinds = ", ".join(sorted(registry.measured()))
        raise FileError(
            f"{path.name}: Expected a measurement of the kind {kinds}, got {shown(kind)}; update the playground, or "
            "measure again."
        )
    return document


def _request_of_2(request: Any) -> Any:
    """Convert a request of version 2, whose `relative` is true or false, to the units of version 3."""
    if not isinstance(request, dict) or not isinstance(request.get("relative"), bool):
        return request
    return request | {"unit": "r" if request["relative"] else "a"}


def _damaged(path: Path, got: str) -> FileError:
    return FileError(f"{path.name}: Expected a whole measurement, got {got}; measure again.")
