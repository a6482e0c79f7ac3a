"""Files of scans: JSON, from which a scan can be read again and repeated, and tables such as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from playground.analyses.common.numbers import table_text
from playground.errors import FileError, PlaygroundError
from playground.library.atomic import write_atomically
from playground.library.formats.registry import formats
from playground.library.origin import RowNote
from playground.library.strict_json import parse_json
from playground.library.text import reason, shortened, shown
from playground.limits import LIMITS, stored
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.scan.cell import Cell, Group, ScanResult
from playground.services.scan.check import check_whole_scan
from playground.services.scan.document import FORMAT_VERSION, KIND, Notes, to_json
from playground.services.scan.request import ScanRequest

COLUMNS = (
    *("vector", "label", "star", "discarded", "sign", "scale", "norm", "prompt", "sample", "kl", "repetition"),
    *("perplexity", "noise", "changed", "group", "finished", "recipe", "text"),
)

MAX_FILE_BYTES = 2**28
MOST_VALUES = 20_000_000
"""As many texts as a scan may have, each with the ids of its tokens."""

_UNITS_1 = {True: "r", False: "a"}
"""Units of scales in version 1, by its field `relative`."""


def from_json(text: str) -> ScanResult:
    """The result in the text of a JSON file. Raises FileError for anything else, and for unknown versions."""
    try:
        document = parse_json(text, MOST_VALUES)
    except ValueError as error:
        raise FileError(f"Expected a scan as JSON, got {error}; save it again.") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise FileError("Expected a scan, got JSON of another kind; choose a file that Scan saved.")
    version = document.get("format_version")
    if version not in (1, FORMAT_VERSION):
        raise FileError(
            f"Expected a scan of format version 1 or {FORMAT_VERSION}, got {shown(version)}; update the playground."
        )
    try:
        values = {field.name: document[field.name] for field in fields(ScanResult)}
        request = dict(values["request"])
        if version == 1:
            request["unit"] = _UNITS_1[request.pop("relative")]
        with stored():
            request["format"], request["sampling"] = PromptFormat.of(request["format"]), Sampling(**request["sampling"])
        with stored():
            values["request"] = ScanRequest(**request)
        for name in ("baselines", "cells"):
            values[name] = tuple(_cell(cell) for cell in values[name])
        values["groups"] = tuple(Group(**{**group, "members": tuple(group["members"])}) for group in values["groups"])
        values["warnings"], values["notes"] = tuple(values["warnings"]), _notes(values["notes"])
        result = ScanResult(**values)
        check_whole_scan(result)
        return result
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, PlaygroundError) as error:
        what = shortened(str(error)) if isinstance(error, PlaygroundError) else shown(str(error))
        raise FileError(f"Expected a whole scan, got a damaged one ({what}); save it again.") from error


def _lines(result: ScanResult, notes: Notes) -> Iterator[list[object]]:
    """A line a text, the baselines first (without a vector); KL in nats, shares from 0 to 1."""
    groups = result.group_of()
    for number, cell in [*((None, cell) for cell in result.baselines), *enumerate(result.cells)]:
        note = notes[cell.row] if cell.row is not None and cell.row < len(notes) else RowNote()
        steered = cell.row is not None
        yield [
            cell.row if steered else "", note.label, int(note.star), int(note.discarded),
            cell.sign if steered else "", f"{cell.scale:g}" if steered else "", f"{cell.norm:.5g}",
            result.request.prompts[cell.prompt], cell.sample, "" if cell.kl is None else f"{cell.kl:.6g}",
            f"{cell.repetition:.6g}",
            "" if cell.perplexity is None else f"{cell.perplexity:.6g}", int(cell.noise), f"{cell.changed:.6g}",
            result.groups[groups[number]].name if number in groups else "", int(cell.finished), cell.recipe,
            cell.text,
        ]  # fmt: skip


def save(result: ScanResult, path: Path, notes: Notes = ()) -> None:
    """Writes a .json file or a table, atomically. Raises FileError for another suffix, and when that fails."""
    check_name(path)
    if path.suffix.lower() == ".json":
        text = json.dumps(to_json(result, notes), allow_nan=False, ensure_ascii=False)
    else:
        text = table_text((COLUMNS, _lines(result, notes)), path.suffix.lower())
    write_atomically(path, text.encode())


def check_name(path: Path) -> None:
    """Raises FileError unless the suffix is that of JSON or a table."""
    suffixes = (".json", *formats("table"))
    if path.suffix.lower() not in suffixes:
        listed = " or ".join(suffixes)
        raise FileError(f"Expected a file name that ends in {listed}, got {shown(path.name)}; choose one of them.")


def load(path: Path) -> ScanResult:
    """The scan in a JSON file. Raises FileError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileError(
                f"{shown(path.name)}: Expected a scan of at most {MAX_FILE_BYTES >> 20} MiB, got "
                f"{path.stat().st_size >> 20} MiB; scan less at once."
            )
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no text in UTF-8"
        raise FileError(f"Expected a scan in {path.name}, got “{got}”; choose a file that Scan saved.") from error


def _cell(values: dict[str, Any]) -> Cell:
    return Cell(**{**values, "token_ids": tuple(values["token_ids"])})


def _notes(values: Mapping[str, Any]) -> tuple[RowNote, ...]:
    """Notes out of `to_json`: row → note, for rows that have one. None on rows beyond those of any scan."""
    noted = {int(row): RowNote(**note) for row, note in values.items()}
    return tuple(noted.get(row, RowNote()) for row in range(min(max(noted, default=-1) + 1, LIMITS.cells)))
