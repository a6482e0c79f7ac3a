"""Prompt sets out of files: txt, json, jsonl and csv, by their suffix, never by guessing.

txt     a prompt a line; with blank lines between, every block is one prompt
json    a list of items, or an object with `format`: 1 and the fields of PromptSet
jsonl   an item a line
csv     a header row; tsv the same with tabs

An item is a text, an object with one of PROMPT_FIELDS, an object with `question`, `answer_matching_behavior` and
`answer_not_matching_behavior`, an object with `question` and an `answer` that is a number or a text whose last word is
one (any other `answer` is left aside), or an object with `positive` and `negative`; in csv these are columns. A file
holds items of one kind. Items that stand in it twice are kept once, and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from playground.errors import FileError, InputError
from playground.library.exact_answer import answer_number, written
from playground.library.prompt_set import (
    ANSWER,
    KINDS,
    MATCHING,
    MAX_ITEMS,
    OTHER,
    QUESTION,
    ChoiceItem,
    ContrastPair,
    ExactItem,
    Item,
    PromptSet,
    check_prompt,
)
from playground.library.strict_json import parse_json
from playground.library.text import reason, shown

FORMAT = 1
MAX_FILE_BYTES = 32 * 2**20
PROMPT_FIELDS = ("prompt", "text", QUESTION, "instruction", "goal")
"""Fields and columns that hold a prompt, the first that is there."""

Placed = tuple[str, Any]
"""A value and where it stands: ("line 7", …)."""


def read_file(path: Path) -> PromptSet:
    """The prompt set in a file. Raises FileError, with the number of the line or item where something is wrong."""
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise FileError(
            f"Expected a prompt file that ends in {', '.join(_READERS)}, got {shown(path.name)}; save it as one."
        )
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise FileError(
                f"{path.name}: Expected at most {MAX_FILE_BYTES >> 20} MiB of prompts, got {size >> 20}; split it."
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no such file"
        raise FileError(f"Expected a prompt file at {path}, got “{got}”; check the path.") from error
    try:
        return _READERS[suffix](_decode(data), path.stem)
    except InputError as error:
        raise FileError(f"{path.name}: {error}") from error


def from_lines(text: str, name: str, title: str) -> PromptSet:
    """A set of plain prompts from text: one a line, or one a block where blank lines stand between blocks.

    Raises InputError, with line numbers.
    """
    if len(text) > MAX_FILE_BYTES:
        raise InputError(f"Expected at most {MAX_FILE_BYTES} characters, got {len(text)}; split the prompts.")
    # Only these end a line: splitlines would also cut at characters that stand inside prompts, such as U+2028.
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _build(_blocks(lines), name, {"title": title})


def _blocks(lines: list[str]) -> Iterator[Placed]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled or filled[-1] - filled[0] + 1 == len(filled):
        for number in filled:
            yield f"line {number + 1}", lines[number].strip()
        return
    start = 0
    for position, number in enumerate(filled):
        if position + 1 == len(filled) or filled[position + 1] > number + 1:
            yield f"line {filled[start] + 1}", "\n".join(lines[filled[start] : number + 1]).strip()
            start = position + 1


def _from_txt(text: str, name: str) -> PromptSet:
    return from_lines(text, name, name)


def _from_json(text: str, name: str) -> PromptSet:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InputError(f"Expected JSON, got {error}; mend it, or call it .jsonl for an item a line.") from error
    if isinstance(value, list):
        return _build(_numbered(value), name, {})
    if not isinstance(value, dict) or "format" not in value:
        raise InputError(f"Expected a list, or an object with `format`: {FORMAT}, got {shown(value)}; write one.")
    if isinstance(value["format"], bool) or value["format"] != FORMAT:
        raise InputError(f"Expected prompt set format {FORMAT}, got {shown(value['format'])}; update the playground.")
    if not isinstance(value.get("items"), list):
        raise InputError(f"Expected `items` to be a list, got {shown(value.get('items'))}; list the prompts there.")
    known = {field: value[field] for field in _SET_FIELDS if field in value}
    if isinstance(known.get("answers"), list):
        known["answers"] = tuple(known["answers"])
    return _build(_numbered(value["items"]), name, known)


def _from_jsonl(text: str, name: str) -> PromptSet:
    def values() -> Iterator[Placed]:
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                yield f"line {number}", parse_json(line)
            except ValueError as error:
                # The parser counts lines from the start of this one; its column is right, its line number is ours.
                what = str(error).replace(" at line 1, column", " at column")
                raise InputError(f"Expected JSON on line {number}, got {what}; write one item a line.") from error

    return _build(values(), name, {})


def _from_csv(text: str, name: str, delimiter: str = ",") -> PromptSet:
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

    return _build(values(), name, {})


def _from_tsv(text: str, name: str) -> PromptSet:
    return _from_csv(text, name, "\t")


_READERS = {
    ".txt": _from_txt,
    ".json": _from_json,
    ".jsonl": _from_jsonl,
    ".csv": _from_csv,
    ".tsv": _from_tsv,
}

_SET_FIELDS = ("name", "title", "description", "kind", "for_model", "system", "chat", "answers")


def _check_columns(columns: list[str]) -> None:
    if not set(columns) & {*PROMPT_FIELDS, MATCHING, OTHER, "positive", "negative"}:
        raise InputError(
            f"Expected a header row with a column {', '.join(PROMPT_FIELDS)}, or positive and negative, got "
            f"{shown(', '.join(columns))}; name the columns in the first line."
        )


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("Expected text in UTF-8, got UTF-16; save it as UTF-8.")
    if b"\0" in data:
        raise InputError("Expected a text file, got a binary one; save the prompts as plain text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"Expected text in UTF-8, got other bytes on line {line}; save it as UTF-8.") from error


def _numbered(values: list[Any]) -> Iterator[Placed]:
    return ((f"item {number}", value) for number, value in enumerate(values, start=1))


def _build(values: Iterable[Placed], name: str, fields: dict[str, Any]) -> PromptSet:
    """A set of the items at their places, all of one kind; `fields` as a file has them."""
    items: dict[Item, None] = {}
    repeated, skipped, kind, first = 0, 0, fields.get("kind"), ""
    for place, value in values:
        if _lists_answers(value):
            skipped += 1
            continue
        try:
            item = _item(value, kind)
        except InputError as error:
            raise InputError(f"{place}: {error}") from error
        found = next(kind for kind, item_type in KINDS.items() if isinstance(item, item_type))
        if kind is None:
            kind, first = found, f" as at {place}"
        if found != kind:
            raise InputError(
                f"{place}: Expected items of one kind, {shown(kind)}{first}, got {found}; put them into another file."
            )
        repeated += item in items
        items[item] = None
        if len(items) > MAX_ITEMS:
            raise InputError(f"Expected at most {MAX_ITEMS} items, got more at {place}; split the file.")
    if skipped and not items:
        raise InputError(
            f"Expected choice items with one answer a side, got {skipped} with lists of answers; choose one of each."
        )
    fields = {"name": name, "title": fields.get("name", name), "description": "", **fields, "kind": kind or "prompts"}
    return PromptSet(**fields, items=tuple(items), repeated=repeated, skipped=skipped)


def _item(value: Any, kind: str | None) -> Item:
    """An item from a JSON value or a row of a table, in a file of this kind so far. Raises InputError."""
    if isinstance(value, str):
        check_prompt(value)
        return value
    if not isinstance(value, dict):
        raise InputError(f"Expected a text or an object, got {shown(value)}; write the prompt between quotes.")
    # Among choice items a question alone is an item without its answers, not a prompt.
    if MATCHING in value or OTHER in value or (kind == "choices" and QUESTION in value):
        return ChoiceItem(*(_field(value, field) for field in (QUESTION, MATCHING, OTHER)))
    if "positive" in value or "negative" in value:
        return ContrastPair(*(_field(value, field) for field in ("positive", "negative")))
    if kind == "exact" or (QUESTION in value and ANSWER in value):
        number = answer_number(_field(value, ANSWER) if kind == "exact" else value[ANSWER])
        if number is not None:
            return ExactItem(_field(value, QUESTION), written(number))
        if kind == "exact":
            raise InputError(
                f"Expected `{ANSWER}` to end in a number, got {shown(value[ANSWER])}; write one, or rename the field "
                "where answers are no numbers."
            )
    for field in PROMPT_FIELDS:
        if field in value:
            check_prompt(value[field], f"`{field}`")
            return value[field]
    raise InputError(
        f"Expected a field {', '.join(PROMPT_FIELDS)}, got {shown(', '.join(value) or 'none')}; rename the field that "
        "holds the prompt."
    )


def _lists_answers(value: Any) -> bool:
    """Whether a side of a choice item has several answers, as some of public sets have: it has no one to compare."""
    return isinstance(value, dict) and any(isinstance(value.get(field), list) for field in (MATCHING, OTHER))


def _field(value: dict[str, Any], field: str) -> Any:
    if field not in value:
        raise InputError(f"Expected a field `{field}`, got {shown(', '.join(value))}; add it.")
    return value[field]
