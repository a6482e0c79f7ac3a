"""Result of a command, and checks of the files that it may write."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.cli.terminal import tell
from playground.errors import FileError, InputError

LEAST_FREE = 1 << 16
"""Bytes that a file system must have free before anything is computed for a file on it: a small result."""


@dataclass(frozen=True)
class Outcome:
    """Result of a command: `data` is printed with --json, `text` without; `interrupted`: Ctrl-C ended it early."""

    data: dict[str, Any]
    text: str
    interrupted: bool = False


def check_out(path: Path, example: str) -> None:
    """Raises InputError, before anything is computed, for a path that cannot be written; `example` is a file name."""
    if path.is_dir():
        raise InputError(f"Expected a file after --out, got the folder {path}; add a name such as {example}.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"Expected a place that can be written to after --out, got {path}; choose another.")
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise InputError(
            f"Expected a place with room after --out, got {path} on a full disk; free some space, or choose another."
        )


def write_so_far(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write what there is to `path`. A failure is told: what follows may find room."""
    try:
        write(path)
    except FileError as error:
        tell(str(error))


def write_out(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a result to `path`. When that fails, the result is written among the system's temporary files,
    and the FileError says where it is.
    """
    try:
        write(path)
    except FileError as error:
        try:
            rescued = Path(tempfile.mkdtemp(prefix="playground-")) / path.name
            write(rescued)
        except (FileError, OSError):
            raise error from None
        why, _, _ = str(error).partition(";")
        raise FileError(f"{why}; the result is in {rescued}, move it where there is room.") from error
