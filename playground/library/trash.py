"""Trash folder for deleted files, with undo."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

from playground.errors import FileError
from playground.library.text import shown

KEEP_DAYS = 7
KEEP_FILES = 50

_TOKEN = re.compile(r"\d{10,16}-[0-9a-f]{16}", re.ASCII)


class Trash:
    """Deleted files of a library in one folder, as TOKEN.NAME; a token begins with the time of deletion in seconds.

    Whoever calls `put` or `find` holds the library's lock. The oldest files go for good when a file is put in: those
    deleted more than KEEP_DAYS ago, and all but the KEEP_FILES newest.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> Path:
        """The folder, created when it is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def put(self, path: Path, name: str) -> str:
        """Moves a file in, and returns its token. Raises OSError."""
        # The random part keeps one visitor from undoing another's deletion by guessing.
        token = f"{int(time.time()):010d}-{secrets.token_hex(8)}"
        os.rename(path, self.make() / f"{token}.{name}")
        self._purge(token)
        return token

    def find(self, token: str) -> tuple[Path, str]:
        """The file of a token and the name it had. Raises FileError when it is gone, or was never there."""
        if isinstance(token, str) and _TOKEN.fullmatch(token):
            for path in self.folder.glob(f"{token}.*"):
                return path, path.name.removeprefix(f"{token}.")
        raise FileError(
            f"Expected what was deleted lately, got {shown(token)}, which the trash does not hold; it keeps "
            f"{KEEP_FILES} sets for {KEEP_DAYS} days."
        )

    def empty(self) -> None:
        """Deletes all of it for good."""
        for path in self.folder.glob("*"):
            if _TOKEN.match(path.name):
                path.unlink(missing_ok=True)

    def _purge(self, newest: str) -> None:
        """`newest` is the token of what was just put in, which stays even if the clock went back."""
        kept = sorted((path for path in self.folder.iterdir() if _TOKEN.match(path.name)), reverse=True)
        oldest = time.time() - KEEP_DAYS * 86_400
        for position, path in enumerate(kept):
            if path.name.startswith(f"{newest}."):
                continue
            if position >= KEEP_FILES or int(path.name.partition("-")[0]) < oldest:
                path.unlink(missing_ok=True)
