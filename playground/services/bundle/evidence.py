"""Pages of `evidence` as parts of a bundled page: their Markdown, with tables that can be sorted, and their figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from playground.errors import FileError
from playground.library.text import reason, shown
from playground.services.bundle.part import Block, Column, Part, Picture, Table, Words

MOST_BYTES = 2**24
"""Of the page, and of each figure."""
HEAD = "# Evidence on "

_PICTURE = re.compile(r"!\[[^\]]*\]\(([\w-]+\.svg)\)")
_CELLS = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\`*_<>\[\]#|])")
_MARKS = re.compile(r"(?<!\\)(?:\*\*|`)")
_LINK = re.compile(r"(?<!\\)\[([^\]]*)\]\(([^)]*)\)")


def part(page: Path) -> Part:
    """The page evidence.md, as services/evidence/page.py writes it, with the figures beside it. Raises FileError."""
    lines = read(page).splitlines()
    if not lines or not lines[0].startswith(HEAD):
        raise FileError(f"{page.name}: Expected a page that `evidence` wrote, got another one; name such a folder.")
    title = _text(lines[0].removeprefix("# "))
    return Part(title, "evidence", (("model", title.removeprefix(HEAD[2:])),), tuple(_blocks(lines[1:], page.parent)))


def read(path: Path) -> str:
    """The text of a page or a figure. Raises FileError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileError(f"{path.name}: Expected at most {MOST_BYTES >> 20} MiB, got more; run `evidence` again.")
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        got = reason(error) if isinstance(error, OSError) else "no text in UTF-8"
        raise FileError(f"Expected {path}, got “{got}”; run `evidence` again.") from error


def _blocks(lines: list[str], folder: Path) -> Iterator[Block]:
    title, table = "Findings", list[list[str]]()
    for line in [*lines, ""]:
        if line.startswith("|"):
            table.append([_text(cell.strip()) for cell in _CELLS.split(line)[1:-1]])
            continue
        if table:
            yield _table(title, table)
            table = []
        if line.startswith("## "):
            title = _text(line.removeprefix("## "))
            yield Words(title, heading=True)
        elif picture := _PICTURE.fullmatch(line.strip()):
            svg = read(folder / picture[1])
            if not svg.lstrip().startswith("<svg"):
                raise FileError(f"{picture[1]}: Expected an SVG picture, got {shown(svg[:20])}; run `evidence` again.")
            yield Picture(picture[1].removesuffix(".svg").replace("-", " "), svg)
        elif line.strip():
            yield Words(_text(line))


def _table(title: str, lines: list[list[str]]) -> Table:
    head, body = lines[0], [line for line in lines[2:] if len(line) == len(lines[0])]
    columns = tuple(Column(name or title, filter=name == "here") for name in head)
    return Table(title, columns, tuple(body), "lines")


def _text(markdown: str) -> str:
    """The text of a line of Markdown, without its marks."""
    return _ESCAPED.sub(r"\1", _MARKS.sub("", _LINK.sub(r"\1", markdown)))
