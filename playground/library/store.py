"""The library: the vector sets in one folder, by name.

Several visitors, and several processes, may work on one folder. Whatever changes it holds the lock of the folder, and
a change to a set (a note, a description) reads the file again inside the lock and changes that one thing in what it
reads: so two people who note different rows at the same moment both keep their notes. Readers need no lock, since files
are replaced whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.library.header import Head, check_description, read_head
from playground.library.named_files import MAX_NAME, NamedFiles, is_name
from playground.library.origin import RowNote
from playground.library.text import reason, shown
from playground.library.vector_set import SUFFIX, VectorSet, load, to_bytes

__all__ = ["MAX_NAME", "Entry", "Store", "open_set", "path_of"]


@dataclass(frozen=True)
class Entry:
    """List entry of a set. For a file that cannot be read, `problem` is why, and the rest is empty."""

    name: str
    path: Path
    method: str = ""
    model: str = ""
    fingerprint: str = ""
    rows: int = 0
    width: int = 0
    source: int | None = None
    target: int | None = None
    prompt_set: str | None = None
    created: str = ""
    stars: int = 0
    description: str = ""
    size: int = 0
    problem: str | None = None


class Store(NamedFiles):
    """The vector sets of a folder. `path_of` also takes paths, and must not be given what a visitor of a public page
    typed. Every method raises FileError for errors of a user.
    """

    suffix, kind = SUFFIX, "set"

    def list(self) -> list[Entry]:
        """An entry a set, in the order of names, from the headers alone; damaged files with their problem."""
        return [self._entry(name) for name in self.names()]

    def load(self, name: str) -> VectorSet:
        """The set of this name."""
        return load(self._existing(name))

    def path_of(self, source: str) -> Path:
        """The file a recipe's FILE means: of the set of this name, or else that of this path, suffix given or not."""
        name = source.removesuffix(SUFFIX)
        if is_name(name) and self._file(name).exists():
            return self._file(name)
        for candidate in (source, source + SUFFIX):
            try:
                path = Path(candidate).expanduser()
                if path.is_file():
                    return path
            except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, the home of an unknown user
                break
        raise FileError(
            f"Expected the name of a vector set or a file, got {shown(source)}, which is neither; "
            f"the library holds {self._some_names()}."
        )

    def save(self, vector_set: VectorSet, name: str, overwrite: bool = False) -> Path:
        """Writes a set under a name, and returns its path. Refuses a name that is taken unless `overwrite`."""
        self._path(name)  # what is wrong with the name is said before the set is turned into bytes
        return self._write(name, to_bytes(vector_set), overwrite)

    def annotate(self, name: str, row: int, note: RowNote) -> VectorSet:
        """Sets the note of one row; those of other rows stay as the file has them. Returns the changed set."""
        return self.change(name, lambda vector_set: vector_set.with_note(row, note))

    def describe(self, name: str, description: str) -> VectorSet:
        """Sets the description of a set. Returns the changed set."""
        check_description(description)
        return self.change(name, lambda vector_set: replace(vector_set, description=description))

    def change(self, name: str, change: Callable[[VectorSet], VectorSet]) -> VectorSet:
        """Reads a set, changes it and writes it back under the lock of the folder. Returns the changed set."""
        with self._locked():
            changed, path = change(load(self._existing(name))), self._path(name)
            data = to_bytes(changed)
            self._check_room(path, len(data))
            write_atomically(path, data)
            return changed

    def _entry(self, name: str) -> Entry:
        path, size = self.folder / f"{name}{SUFFIX}", 0
        try:
            path = self._file(name)
            size, head = _read_head(path)
        except FileError as error:
            return Entry(name, path, size=size, problem=str(error))
        origin = head.origin
        return Entry(
            name=name,
            path=path,
            method=origin.method,
            model=origin.model,
            fingerprint=origin.fingerprint,
            rows=head.rows,
            width=head.width,
            source=origin.source,
            target=origin.target,
            prompt_set=origin.prompt_set,
            created=origin.created,
            stars=sum(note.star for note in head.notes),
            description=head.description,
            size=size,
        )


def open_set(source: str) -> VectorSet:
    """The set in the file of `path_of`. Raises FileError when there is none."""
    return load(path_of(source))


def path_of(source: str) -> Path:
    """The file of exactly this path, or else what `Store.path_of` finds in the library: what `find --out` has just
    written must not be taken for a set of the same name there. Not for what a visitor of a public page typed.
    """
    return Path(source) if os.path.isfile(source) else Store().path_of(source)


def _read_head(path: Path) -> tuple[int, Head]:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return size, read_head(file, size)
    except OSError as error:
        raise FileError(f"Expected a vector set at {path}, got “{reason(error)}”; check the file.") from error
