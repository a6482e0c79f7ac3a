"""Plain prompts: one a line; with blank lines between, every block is one prompt."""

from __future__ import annotations

from collections.abc import Iterator

from playground.library.formats.format import Format
from playground.library.formats.items import Placed, build
from playground.library.prompt_set import PromptSet


def from_lines(text: str, name: str, title: str) -> PromptSet:
    """A set of plain prompts from text: one a line, or one a block where blank lines stand between blocks.

    Raises InputError, with line numbers.
    """
    # Only these end a line: splitlines would also cut at characters that stand inside prompts, such as U+2028.
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return build(_blocks(lines), name, {"title": title})


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


FORMAT = Format(".txt", "prompts", lambda text, name: from_lines(text, name, name), place=1)
