"""Files and results as parts of a bundled page, by what they hold."""

from __future__ import annotations

from pathlib import Path

from playground.analyses.common import measurements
from playground.analyses.common.document import from_document
from playground.analyses.common.labels import labels_of
from playground.analyses.common.result import Measurement
from playground.errors import FileError, InputError
from playground.library import vector_set as sets
from playground.library.mix import LoadSet
from playground.library.store import open_set
from playground.library.text import reason, shown
from playground.library.vector_set import VectorSet
from playground.services.bundle import evidence, measurement, scan, vectors
from playground.services.bundle.part import Part
from playground.services.scan import file as scans
from playground.services.scan.cell import ScanResult

Bundled = ScanResult | Measurement | VectorSet | Path | str
"""A result, or the file of one; the folder or the page of `evidence`."""
PAGE = "evidence.md"


def part_of(what: Bundled, load_set: LoadSet = open_set) -> Part:
    """The part of a page that shows a result or a file. `load_set` gives the sets that name measured vectors.

    Raises FileError for a file that cannot be read, InputError for one of no kind that is bundled.
    """
    if isinstance(what, ScanResult):
        return scan.part(what)
    if isinstance(what, Measurement):
        return measurement.part(what, labels_of(what.sets, load_set))
    if isinstance(what, VectorSet):
        return vectors.part(what)
    path = Path(what)
    if path.is_dir() or path.suffix.lower() == ".md":
        return evidence.part(path / PAGE if path.is_dir() else path)
    if path.suffix.lower() == sets.SUFFIX:
        return vectors.part(sets.load(path))
    if path.suffix.lower() != ".json":
        raise InputError(
            f"Expected a scan or a measurement (.json), a vector set ({sets.SUFFIX}), or a folder of `evidence`, got "
            f"{shown(str(what))}; name one of them."
        )
    if _is_measurement(path):
        return part_of(from_document(measurements.read(path)), load_set)
    return scan.part(scans.load(path))


def _is_measurement(path: Path) -> bool:
    """Whether a JSON file begins as a measurement does. Raises FileError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return measurements.FORMAT.encode() in file.read(200)
    except OSError as error:
        raise FileError(f"Expected a file at {path}, got “{reason(error)}”; check the name.") from error
