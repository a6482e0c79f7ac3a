"""Prompt sets out of files, read by their suffix (library/formats), never by guessing.

Items are read by prompt_items.py. A file holds items of one kind. Items that stand in it twice are kept once, and
counted.
"""

from __future__ import annotations

from pathlib import Path

from playground.errors import FileError, InputError
from playground.library.formats.registry import formats
from playground.library.prompt_set import PromptSet
from playground.library.text import reason, shown

MAX_FILE_BYTES = 32 * 2**20


def read_file(path: Path, category: str | None = None) -> PromptSet:
    """The prompt set in a file; `category` names one list of an object of lists.

    Raises FileError, with the number of the line or item where something is wrong.
    """
    suffix, known = path.suffix.lower(), formats("prompts")
    if suffix not in known:
        raise FileError(
            f"Expected a prompt file that ends in {', '.join(known)}, got {shown(path.name)}; save it as one."
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
        read, lists = known[suffix].read, known[suffix].lists
        assert read is not None
        if category is not None and lists is None:
            raise InputError(f"Expected a json file for the list {shown(category)} of it, got {suffix}; leave #… out.")
        prompt_set: PromptSet = read(text, path.stem, **({} if category is None else {"category": category}))
        return prompt_set
    except InputError as error:
        raise FileError(f"{path.name}: {error}") from error


def categories(path: Path) -> tuple[str, ...]:
    """The names of the lists in a file that holds several; none for every other file."""
    known = formats("prompts").get(path.suffix.lower())
    if known is None or known.lists is None or path.stat().st_size > MAX_FILE_BYTES:
        return ()
    try:
        return known.lists(_decode(path.read_bytes()))
    except InputError:  # said when the file is read
        return ()


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
