"""Download files, in a temporary folder of their own for each visitor."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from playground.library import vector_set as files
from playground.library.vector_set import VectorSet
from playground.ui.kit.visitor import Visitor

_FOLDER = tempfile.TemporaryDirectory(prefix="playground-downloads-")
"""Files are written here before Gradio copies them into its cache; deleted when the process ends."""


def download_file(visitor: Visitor) -> str:
    """The path of a file with the set that was computed last. Raises FileError when there is none."""
    return write_download(visitor, visitor.computed)


def write_download(visitor: Visitor, vector_set: VectorSet) -> str:
    """Write a set into this visitor's download folder; returns the path of the file."""
    path = download_path(visitor, f"{vector_set.name or 'vectors'}.safetensors")
    files.save(vector_set, path)
    return str(path)


def download_path(visitor: Visitor, name: str) -> Path:
    """The path of a file of this name in the visitor's download folder, which is created."""
    # The browser chooses the session string; hashed, it cannot name another folder.
    folder = Path(_FOLDER.name) / hashlib.sha256(visitor.session.encode(errors="replace")).hexdigest()
    folder.mkdir(exist_ok=True)
    return folder / name
