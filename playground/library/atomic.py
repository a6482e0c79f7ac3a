"""Atomic writes: a file is either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path

from playground.errors import FileError
from playground.library.text import reason

LEFT_SECONDS = 3600.0
"""Age from which a temporary file is nobody's any more: no write takes a minute."""

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` to `path` through a temporary file beside it, so that no reader ever sees half a file.

    The folder is made when missing; a file that stands at `path` is replaced. Raises FileError when the folder cannot
    be written to; then what stood at `path` before stands there still.
    """
    # A name of our own rather than tempfile's: mkstemp gives mode 0600, and sets in a shared folder are for everyone.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            _remove_leftovers(path.parent, os.fstat(file.fileno()).st_mtime)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"Expected to write {path}, got “{reason(error)}”; {_advice(error)}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "free some space there, or choose another place"
    return "choose another place, or set PLAYGROUND_VECTORS to a folder that can be written to"


def _remove_leftovers(folder: Path, now: float) -> None:
    """Remove temporary files that a process left here which was killed; `now` is by the clock of the file system."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < now - LEFT_SECONDS:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable, where the system lets a folder be opened (Windows does not)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
