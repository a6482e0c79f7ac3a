"""Scans as JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from playground.library.origin import RowNote

if TYPE_CHECKING:
    from playground.services.scan.cell import ScanResult

KIND, FORMAT_VERSION = "scan", 2

Notes = Sequence[RowNote]
"""Notes on the vectors of the scanned set; () for none."""


def to_json(result: ScanResult, notes: Notes = ()) -> dict[str, Any]:
    """The result as JSON values; `file.from_json` gives it again, with these notes: names and stars."""
    named = {str(row): asdict(note) for row, note in enumerate(notes) if note != RowNote()}
    # Cells hold plain values only, and asdict would take its time to copy thousands of them.
    lists = {name: [vars(part) for part in getattr(result, name)] for name in ("baselines", "cells", "groups")}
    document = {**vars(result), **lists, "request": asdict(result.request)}
    return {"kind": KIND, "format_version": FORMAT_VERSION, **document, "notes": named}
