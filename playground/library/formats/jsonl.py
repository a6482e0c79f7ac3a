"""Prompt sets as JSON lines: an item a line."""

from __future__ import annotations

from collections.abc import Iterator

from playground.errors import InputError
from playground.library.formats.format import Format
from playground.library.formats.items import Placed, build
from playground.library.prompt_set import PromptSet
from playground.library.strict_json import parse_json


def read(text: str, name: str) -> PromptSet:
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

    return build(values(), name, {})


FORMAT = Format(".jsonl", "prompts", read, place=3)
