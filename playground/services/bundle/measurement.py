"""Measurements of any analysis as parts of a bundled page: the page's plots, rows, and items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from playground.analyses.common.labels import Labels
from playground.analyses.common.result import Lines, Measurement
from playground.extensions import resolve
from playground.library.prompts import built_in
from playground.model.load import Recorded
from playground.services import command
from playground.services.bundle.part import Block, Column, Kind, Part, Plot, Table, Words, versions

MOST_LINES = 20_000
"""Lines of one table: more make the page slow to open, and stand in the measurement's file."""
KINDS: dict[str, Kind] = {"reply": "model", "question": "prompt", "text": "prompt"}
"""Kinds of columns by their names; others are numbers where all their values are."""
FILTERS = ("vector", "kind", "scale", "relative", "multiple", "item", "quantity", "of", "groups")
DETAIL = ("set", "layer", "token_id")
TITLES = {"relative": "relative scale", "multiple": "multiple", "token_id": "token", "kl": "KL", "low": "95 % from",
          "high": "to"}  # fmt: skip


def part(result: Measurement, labels: Labels) -> Part:
    """A measurement, with the labels that its vectors have."""
    asked = result.request.asked
    drawn = resolve("playground.ui.measure.figure:figures_of")(result, labels)
    blocks: list[Block] = [Plot(title, figure, note, "vector") for title, figure, note in drawn]
    blocks.append(_table("Rows", "rows", result.row_lines(labels)))
    items = _table("Items", "lines", result.item_lines(labels))
    if items.rows:
        blocks.append(items)
    facts = (
        ("model", result.model), ("fingerprint", result.fingerprint), ("dtype", result.dtype),
        ("asked", f"{asked.name}, hash {asked.hash}"), ("measured", result.amount),
        *((f"set {one.source}", f"{one.method}, block {one.layer}, {one.rows} rows, SHA-256 {one.digest}")
          for one in result.sets),
        ("positions", result.request.positions), ("seed", str(result.request.seed)),
        ("computed in", f"{result.seconds:.3g} s"), ("created", result.created),
        ("versions", versions(result.versions)),
    )  # fmt: skip
    warnings = list(result.warnings)
    if result.cancelled:
        warnings.insert(0, f"The measurement was stopped: {result.complete}.")
    file = None
    if built_in().get(asked.name) != asked:
        file = f"{asked.name}.{'txt' if asked.kind == 'prompts' else 'json'}"
        blocks.append(Words(f"In the command {file} stands for the file of what was asked, which does not ship."))
    repeat = command.measure_command(result.request, Recorded(result.model, result.dtype), file)
    title = f"{result.analysis.label} on {asked.name}"
    files = (result.model, *(one.source for one in result.sets))
    return Part(title, result.analysis.summary, facts, tuple(blocks), repeat, tuple(warnings), files)


def _table(title: str, several: str, lines: Lines) -> Table:
    names, every = lines
    rows = tuple(islice(every, MOST_LINES + 1))
    note = ""
    if len(rows) > MOST_LINES:
        note = f"The first {MOST_LINES:,}; the measurement's file has all of them."
    rows = tuple(tuple(map(_value, row)) for row in rows[:MOST_LINES])
    columns = list(_columns(names, rows))
    kept = [place for place, column in enumerate(columns) if column is not None]
    named = tuple(column for column in columns if column is not None)
    return Table(title, named, tuple([row[place] for place in kept] for row in rows), several, note)


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[Column | None]:
    """A column for each name, None for one without any value."""
    for place, name in enumerate(names):
        values = [row[place] for row in rows if row[place] not in (None, "")]
        if not values:
            yield None
            continue
        numbers = all(isinstance(value, int | float) for value in values)
        kind = KINDS.get(name, "number" if numbers else "text")
        yield Column(TITLES.get(name, name), kind, name in FILTERS, name in DETAIL)


def _value(value: object) -> object:
    """A number with six digits; anything else as it is."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
