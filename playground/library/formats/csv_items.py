"""Prompt sets as CSV: a header row, and an item a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from playground.errors import InputError
from playground.library.formats.format import Format
from playground.library.formats.items import Placed, build
from playground.library.prompt_items import NEGATIVE, POSITIVE, PROMPT_FIELDS
from playground.library.prompt_set import MATCHING, OTHER, PromptSet
from playground.library.text import shown


def read(text: str, name: str, delimiter: str = ",") -> PromptSet:
    # newline="" leaves line ends inside quotes to the csv module, as it asks for.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def values() -> Iterator[Placed]:
        columns: list[str] | None = None
        while True:
            place = f"line {rows.line_num + 1}"
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                raise InputError(f"Expected a table row at {place}, got “{error}”; check the quotes there.") from error
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = [cell.strip().lower() for cell in row]
                _check_columns(columns)
            elif len(row) > len(columns):
                raise InputError(
                    f"Expected {len(columns)} cells at {place}, got {len(row)}; put texts with the separator in quotes."
                )
            else:
                yield place, dict(zip(columns, row, strict=False))

    return build(values(), name, {})


def _check_columns(columns: list[str]) -> None:
    twice = next((column for column in columns if column and columns.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"Expected columns of different names, got {shown(twice)} twice; rename or delete one.")
    if not set(columns) & {*PROMPT_FIELDS, MATCHING, OTHER, POSITIVE, NEGATIVE}:
        raise InputError(
            f"Expected a header row with a column {', '.join(PROMPT_FIELDS)}, or positive and negative, got "
            f"{shown(', '.join(columns))}; name the columns in the first line."
        )


FORMAT = Format(".csv", "prompts", read, place=4)
