"""Atomic writes: a file is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from playground.errors import FileError
from playground.library.text import reason


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
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(
            f"Expected to write {path}, got “{reason(error)}”; choose another place, or set PLAYGROUND_VECTORS to a "
            "folder that can be written to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable, where the system lets a folder be opened (Windows does not)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
