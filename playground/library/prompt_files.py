"""Prompt sets out of files: txt, json, jsonl and csv, by their suffix, never by guessing.

txt     a prompt a line; with blank lines between, every block is one prompt
json    a list of items, an object with `format`: 1 and the fields of PromptSet, or an object of lists, of which the
        wanted one is named (FILE#NAME)
jsonl   an item a line
csv     a header row; tsv the same with tabs

Items are read by prompt_items.py; in csv their fields are columns. A file holds items of one kind. Items that stand in
it twice are kept once, and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from playground.errors import FileError, InputError
from playground.library.prompt_items import NEGATIVE, POSITIVE, PROMPT_FIELDS, lists_answers, read_item
from playground.library.prompt_set import KINDS, MATCHING, MAX_ITEMS, OTHER, ChoiceItem, Item, PromptSet
from playground.library.strict_json import parse_json
from playground.library.text import reason, shown

FORMAT = 1
MAX_FILE_BYTES = 32 * 2**20
Placed = tuple[str, Any]
"""A value and where it stands: ("line 7", …)."""


def read_file(path: Path, category: str | None = None) -> PromptSet:
    """The prompt set in a file; `category` names one list of an object of lists.

    Raises FileError, with the number of the line or item where something is wrong.
    """
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
        text = _decode(data)
        if suffix == ".json":
            return _from_json(text, path.stem, category)
        if category is not None:
            raise InputError(f"Expected a json file for the list {shown(category)} of it, got {suffix}; leave #… out.")
        return _READERS[suffix](text, path.stem)
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


def categories(path: Path) -> tuple[str, ...]:
    """The names of the lists in a json file that is an object of lists; none for every other file."""
    if path.suffix.lower() != ".json" or path.stat().st_size > MAX_FILE_BYTES:
        return ()
    try:
        return _lists(parse_json(_decode(path.read_bytes())))
    except (InputError, ValueError):  # said when the file is read
        return ()


def _lists(value: Any) -> tuple[str, ...]:
    if not isinstance(value, dict) or "format" in value or "items" in value:
        return ()
    return tuple(name for name, entry in value.items() if isinstance(entry, list))


def _from_json(text: str, name: str, category: str | None = None) -> PromptSet:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InputError(f"Expected JSON, got {error}; mend it, or call it .jsonl for an item a line.") from error
    lists = _lists(value)
    if category is not None and category not in lists:
        raise InputError(
            f"Expected the name of one of its lists, {_listed(lists)}, got {shown(category)}; choose one of them."
        )
    if lists:
        chosen = category if category is not None else lists[0]
        if category is None and len(lists) > 1:
            raise InputError(
                f"Expected one list of items, got an object of {len(lists)}: {_listed(lists)}; name one of them after "
                f"the file, as in {name}.json#{shown(lists[0])[1:-1]}."
            )
        return _build(_numbered(value[chosen]), f"{name}#{chosen}" if len(lists) > 1 else name, {})
    if isinstance(value, list):
        return _build(_numbered(value), name, {})
    if not isinstance(value, dict) or "format" not in value:
        raise InputError(
            f"Expected a list, an object of lists, or one with `format`: {FORMAT}, got {shown(value)}; write one."
        )
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


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(shown(name) for name in names[:20]) or "of which it has none"


_READERS = {
    ".txt": _from_txt,
    ".json": _from_json,
    ".jsonl": _from_jsonl,
    ".csv": _from_csv,
    ".tsv": _from_tsv,
}

_SET_FIELDS = ("name", "title", "description", "kind", "for_model", "system", "chat", "answers")


def _check_columns(columns: list[str]) -> None:
    twice = next((column for column in columns if column and columns.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"Expected columns of different names, got {shown(twice)} twice; rename or delete one.")
    if not set(columns) & {*PROMPT_FIELDS, MATCHING, OTHER, POSITIVE, NEGATIVE}:
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
    aside: dict[str, None] = {}
    sign: tuple[str, str] | None = None
    repeated, skipped, kind, first = 0, 0, fields.get("kind"), ""
    for place, value in values:
        if lists_answers(value):
            skipped += 1
            continue
        try:
            read = read_item(value, kind)
        except InputError as error:
            raise InputError(f"{place}: {error}") from error
        item = read.item
        found = next(kind for kind, item_type in KINDS.items() if isinstance(item, item_type))
        if kind is None:
            kind, first = found, f" as at {place}"
        if found != kind:
            raise InputError(
                f"{place}: Expected items of one kind, {shown(kind)}{first}, got {found}; put them into another file."
            )
        if read.sign is not None and sign is not None and read.sign != sign:
            if set(read.sign) != set(sign):
                raise InputError(
                    f"{place}: Expected answers in the fields {' and '.join(sign)} as in the first item, got "
                    f"{shown(' and '.join(read.sign))}; name them alike."
                )
            assert isinstance(item, ChoiceItem)
            item = ChoiceItem(item.question, item.other, item.matching)  # the same fields in another order
        sign = sign or read.sign
        aside |= dict.fromkeys(read.left_aside)
        repeated += item in items
        items[item] = None
        if len(items) > MAX_ITEMS:
            raise InputError(f"Expected at most {MAX_ITEMS} items, got more at {place}; split the file.")
    if skipped and not items:
        raise InputError(
            f"Expected choice items with one answer a side, got {skipped} with lists of answers; choose one of each."
        )
    fields = {"name": name, "title": fields.get("name", name), "description": "", **fields, "kind": kind or "prompts"}
    sign = None if sign == (MATCHING, OTHER) else sign
    if sign is not None and not fields["description"]:
        fields["description"] = f"A positive difference means {sign[0]}, a negative one {sign[1]}."
    return PromptSet(
        **fields,
        items=tuple(items),
        repeated=repeated,
        skipped=skipped,
        sign=sign,
        left_aside=tuple(aside),
    )
