"""Atlases in files: those that ship, and those that were kept beside the vector sets of a library."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from playground.errors import FileError, PlaygroundError
from playground.library import atlas as files
from playground.library.atlas import SUFFIX, Atlas
from playground.library.header import ATLAS_KEY, read_document, read_metadata
from playground.library.origin import Origin
from playground.library.text import reason
from playground.places import SHIPPED_ATLASES

FOLDER = "atlases"
"""Beside the sets, in a folder of its own: they are no vector sets."""


def names_for(fingerprint: str, library: Path) -> list[str]:
    """Names of the atlases of a model, those of the library first."""
    return [
        path.name.removesuffix(SUFFIX)
        for path in _paths(library)
        if (origin := _origin(path)) is not None and origin.fingerprint == fingerprint
    ]


def names_of_shape(width: int, blocks: int, library: Path) -> list[str]:
    """Names of the atlases of all models of this width and number of blocks, those of the library first."""
    return [
        path.name.removesuffix(SUFFIX)
        for path in _paths(library)
        if (origin := _origin(path)) is not None and (origin.width, origin.block_count) == (width, blocks)
    ]


def open_atlas(source: str, library: Path) -> Atlas:
    """The atlas in the file of this path, with or without the ending, or else the one of this name in the library.
    Raises FileError when there is none. Not for what a visitor of a public page typed.
    """
    if not source.endswith(".safetensors"):
        if not os.path.isfile(f"{source}{SUFFIX}"):
            return open_named(source, library)
        source = f"{source}{SUFFIX}"
    return files.load(source)


def open_named(name: str, library: Path) -> Atlas:
    """An atlas by its name. Raises FileError for a name that is not there, a path included."""
    path = next((path for path in _paths(library) if path.name == f"{name}{SUFFIX}"), None)
    if path is None:
        raise FileError(f"Expected an atlas by name, got “{name}”, which is not there; choose one of the list.")
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise FileError(f"Expected to read {path}, got “{reason(error)}”; choose another atlas.") from error
    return _opened(path, changed)


def keep(atlas: Atlas, name: str, library: Path) -> str:
    """Write an atlas into the library under a name that is free, and return it. Raises FileError."""
    folder = library / FOLDER
    taken = {path.name for path in _paths(library)}
    free = next(each for each in _numbered(name) if f"{each}{SUFFIX}" not in taken)
    files.save(atlas, folder / f"{free}{SUFFIX}")
    return free


@functools.lru_cache(maxsize=4)
def _opened(path: Path, changed: int) -> Atlas:
    """The atlas of a file as it was last changed: every visitor's page opens on the same one."""
    return files.load(path)


def _numbered(name: str) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, 1000))]


def _paths(library: Path) -> list[Path]:
    found = [path for folder in (library / FOLDER, SHIPPED_ATLASES) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return list({path.name: path for path in reversed(found)}.values())[::-1]


def _origin(path: Path) -> Origin | None:
    """Of an atlas, from its header alone; None for a file that is none."""
    try:
        with open(path, "rb") as file:
            _, _, metadata = read_metadata(file, path.stat().st_size)
        text = metadata.get(ATLAS_KEY)
        return read_document(text)[1] if isinstance(text, str) else None
    except (OSError, PlaygroundError):
        return None
