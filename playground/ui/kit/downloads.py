"""Files written for a visitor to download, each visitor's in a folder of their own."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from playground.library import vector_set as files
from playground.library.vector_set import VectorSet
from playground.ui.kit.visitor import Visitor

_FOLDER = tempfile.TemporaryDirectory(prefix="playground-downloads-")
"""Where a set is written before Gradio takes it into its own cache; gone when the process ends."""


def download_file(visitor: Visitor) -> str:
    """A file of what was computed, for the download button."""
    return write_download(visitor, visitor.found)


def write_download(visitor: Visitor, vector_set: VectorSet) -> str:
    """A file of a set in this visitor's own download folder."""
    path = download_path(visitor, f"{vector_set.name or 'vectors'}.safetensors")
    files.save(vector_set, path)
    return str(path)


def download_path(visitor: Visitor, name: str) -> Path:
    """Where a file of this name is written for this visitor to download."""
    # A session is what a browser says it is: hashed, it can name no other folder.
    folder = Path(_FOLDER.name) / hashlib.sha256(visitor.session.encode(errors="replace")).hexdigest()
    folder.mkdir(exist_ok=True)
    return folder / name
