"""Tables as CSV; what is None is left empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from playground.library.formats.format import Format


def write(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """The text of a table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return buffer.getvalue()


FORMAT = Format(".csv", "table", write=write, place=1)
