"""Download files, in a temporary folder of their own for each visitor."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import FileError
from playground.library import vector_set as files
from playground.library.text import reason
from playground.library.vector_set import VectorSet
from playground.ui.kit.visitor import Visitor

_LOG = logging.getLogger(__name__)
_FOLDER = tempfile.TemporaryDirectory(prefix="playground-downloads-")
"""Files are written here before Gradio copies them into its cache; deleted when the process ends."""


def download(visitor: Visitor, vector_set: VectorSet) -> dict[str, Any]:
    """Update of a download button for a set."""
    return offer(visitor, f"{vector_set.name or 'vectors'}.safetensors", partial(files.save, vector_set))


def offer(visitor: Visitor, name: str, write: Callable[[Path], object]) -> dict[str, Any]:
    """Update of a download button for a file of this name, which `write` writes; without one when it cannot."""
    try:
        path = download_path(visitor, name)
        write(path)
        return gr.update(value=str(path), interactive=True)
    except FileError as error:
        _LOG.warning("no download: %s", error)
        return gr.update(value=None, interactive=False)


def download_path(visitor: Visitor, name: str) -> Path:
    """The path of a file of this name in the visitor's download folder, which is created. Raises FileError."""
    # The browser chooses the session string; hashed, it cannot name another folder.
    folder = Path(_FOLDER.name) / hashlib.sha256(visitor.session.encode(errors="replace")).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)  # a cleaner of temporary files may have taken all of it
    except OSError as error:
        raise FileError(f"Expected to write {folder}, got “{reason(error)}”; free some space there.") from error
    return folder / name
