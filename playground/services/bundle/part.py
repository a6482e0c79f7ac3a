"""Part of a bundled page: facts about one result, and its blocks (sentences, tables, plots, pictures) in their order.

`to_json` of each is what bundle.js reads; every text in it is data and is shown as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from playground.analyses.common.json_values import plain
from playground.services.changed import pieces

Kind = Literal["text", "number", "model", "prompt", "sign"]
"""How a column is shown: a text, a number, text that a model wrote, a prompt, or a sign (1 or −1)."""


@dataclass(frozen=True)
class Column:
    """A column of a table. `filter`: the page offers its values to choose from. `detail`: shown when a row is opened.
    `values`: the rows hold indices into it. `changed`: the place of the column with the spans of a model's text that
    differ from the baseline, `signed` that of the sign that stands before a value. A `hidden` column can be filtered
    by, and one without a title serves others only.
    """

    title: str
    kind: Kind = "text"
    filter: bool = False
    detail: bool = False
    values: tuple[str, ...] | None = None
    changed: int | None = None
    signed: int | None = None
    hidden: bool = False
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in ("", None, False)}


@dataclass(frozen=True)
class Table:
    """Rows of values, one for each of `columns`. `noise` and `star`: places of columns of 0 and 1; rows of noise are
    hidden at first. `several` names the rows in a sentence.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Sequence[Any], ...]
    several: str = "rows"
    note: str = ""
    noise: int | None = None
    star: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "type": "table", "title": self.title, "several": self.several, "note": self.note, "noise": self.noise,
            "star": self.star, "columns": [column.to_json() for column in self.columns], "rows": plain(self.rows),
        }  # fmt: skip


@dataclass(frozen=True)
class Plot:
    """A plotly figure. A click on a point with the customdata "NAME|PLACE|ITEM" (ui/measure/scale_plots.py) chooses the
    name in the filter `opens` of the tables, and the item where there is one.
    """

    title: str
    figure: Any
    note: str = ""
    opens: str | None = None

    def to_json(self) -> dict[str, Any]:
        figure = json.loads(self.figure.to_json())
        return {"type": "plot", "title": self.title, "note": self.note, "opens": self.opens, "figure": figure}


@dataclass(frozen=True)
class Picture:
    """An SVG picture, as text."""

    title: str
    svg: str

    def to_json(self) -> dict[str, Any]:
        return {"type": "picture", "title": self.title, "svg": self.svg}


@dataclass(frozen=True)
class Words:
    """A heading, or a paragraph."""

    text: str
    heading: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"type": "heading" if self.heading else "text", "text": self.text}


Block = Table | Plot | Picture | Words
Fact = tuple[str, str]
"""A term and what it is."""


@dataclass(frozen=True)
class Part:
    """One result. `command` repeats it ("" for none); `warnings` are sentences. `files` are the model and the vector
    sets as the result names them: of paths among them only the names are shown, since folders tell who made the page.
    """

    title: str
    kind: str
    facts: tuple[Fact, ...]
    blocks: tuple[Block, ...]
    command: str = ""
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        document = {
            "title": self.title, "kind": self.kind, "command": self.command, "warnings": list(self.warnings),
            "facts": [list(fact) for fact in self.facts if fact[1]],
            "blocks": [block.to_json() for block in self.blocks],
        }  # fmt: skip
        # By folder, not by path: names in plots are cut at their end.
        paths = [PurePath(file) for file in self.files]
        folders = sorted({f"{path.parent}/" for path in paths if path.is_absolute() and path.parent.name}, reverse=True)
        named: dict[str, Any] = _without(document, folders) if folders else document
        return named


def _without(value: Any, folders: Sequence[str]) -> Any:
    """A JSON value without the folders, in all its texts."""
    if isinstance(value, str):
        for folder in folders:
            value = value.replace(folder, "")
        return value
    if isinstance(value, list):
        return [_without(each, folders) for each in value]
    return {key: _without(each, folders) for key, each in value.items()} if isinstance(value, dict) else value


def changed_spans(baseline: str, text: str) -> list[int]:
    """Beginnings and ends, in turn, of what of `text` differs from `baseline` by whole words. In UTF-16 code units, as
    JavaScript counts.
    """
    spans, place = [], 0
    for piece, changed in pieces(baseline, text):
        end = place + len(piece.encode("utf-16-le", "surrogatepass")) // 2
        if changed:
            spans += [place, end]
        place = end
    return spans


def versions(of: Any) -> str:
    """Versions of libraries, for a fact: "python 3.12.1, torch 2.13.0"."""
    return ", ".join(f"{name} {version}" for name, version in of.items())
