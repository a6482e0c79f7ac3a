"""Prompt sets by name, by path, or typed: the three ways the page and the command line ask for one."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

from playground.errors import FileError, InputError
from playground.library import prompt_files
from playground.library.formats.txt import from_lines
from playground.library.prompt_files import read_file
from playground.library.prompt_set import PromptSet, content_hash
from playground.library.selection import places, select
from playground.library.text import shown
from playground.places import ASSETS

__all__ = [
    "BUILT_IN",
    "PromptSet",
    "built_in",
    "content_hash",
    "from_text",
    "places",
    "read",
    "select",
]

BUILT_IN = ASSETS / "prompts"
"""The folder of the sets that ship, one JSON file each, named after the set."""


def built_in() -> dict[str, PromptSet]:
    """The sets that ship, by name. Raises FileError when one of them is damaged."""
    return dict(_built_in(BUILT_IN))


def read(source: str | Path) -> PromptSet:
    """The set of this name if one ships, otherwise the set in the file of this path (txt, json, jsonl, csv, tsv).

    FILE#NAME is the list of that name in a json file that is an object of lists.

    Raises FileError for a name or path that is not there (near names are listed), and for what the file gets wrong.
    """
    sets = built_in()
    if isinstance(source, str) and source in sets:
        return sets[source]
    path = _file(source)
    if path is not None:
        return read_file(path)
    head, mark, category = str(source).rpartition("#")
    path = _file(head) if mark else None
    if path is not None:
        return read_file(path, category)
    near = difflib.get_close_matches(Path(source).stem, sets, n=3, cutoff=0.5) or sorted(sets)
    raise FileError(
        f"Expected the name of a prompt set or a file, got {shown(str(source))}, which is neither; "
        f"use {', '.join(near) or 'the path of a file'}."
    )


def from_text(text: str) -> PromptSet:
    """The prompts in typed text: one a line; with blank lines between, every block is one prompt.

    Raises InputError when there is none, when one is over-long, and when there are too many.
    """
    most = prompt_files.MAX_FILE_BYTES
    if len(text) > most:
        raise InputError(f"Expected at most {most} characters, got {len(text)}; split the prompts.")
    return from_lines(text, "typed", "Typed prompts")


def _file(source: str | Path) -> Path | None:
    """The path of a file that is there."""
    try:
        path = Path(source).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, the home of an unknown user
        return None


@functools.cache
def _built_in(folder: Path) -> dict[str, PromptSet]:
    sets = {}
    for path in sorted(folder.glob("*.json")):
        prompt_set = read_file(path)
        if prompt_set.name != path.stem:
            raise FileError(f"Expected the set in {path.name} to have the file's name, got {shown(prompt_set.name)}.")
        sets[prompt_set.name] = prompt_set
    return sets
