"""Result of a command, and checks of the files that it may write."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """`data` is printed as one JSON object with --json, else `text`; `interrupted` by Ctrl-C with what there was."""

    data: dict[str, Any]
    text: str
    interrupted: bool = False


def check_out(path: Path, example: str) -> None:
    """Refuse now what would otherwise fail after the computation: InputError. `example` is the name of such a file."""
    if path.is_dir():
        raise InputError(f"Expected a file after --out, got the folder {path}; add a name such as {example}.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"Expected a place that can be written to after --out, got {path}; choose another.")
