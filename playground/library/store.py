"""The library: the vector sets in one folder, by name.

Several visitors, and several processes, may work on one folder. Whatever changes it holds the lock of the folder, and
a change to a set (a note, a description) reads the file again inside the lock and changes that one thing in what it
reads: so two people who note different rows at the same moment both keep their notes. Readers need no lock, since files
are replaced whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.library.header import Head, check_description, read_head
from playground.library.origin import RowNote
from playground.library.text import reason, shown
from playground.library.trash import Trash
from playground.library.vector_set import SUFFIX, VectorSet, load, to_bytes

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "vectors"
"""Where sets are kept, unless the environment variable PLAYGROUND_VECTORS names another folder."""

MAX_NAME = 80
LOCK_SECONDS = 10.0
"""No change takes a second; whoever waits longer waits for a program that hangs."""

# No comma, # or @, which recipes use; no separators; nothing hidden; what shells and file systems leave alone.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]*[A-Za-z0-9_+-])?", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """What a list says about a set. For a file that cannot be read, `problem` is why, and the rest is empty."""

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


class Store:
    """The vector sets of a folder (made when the first is saved). Every method raises FileError, and nothing else,
    for what a person can mend: unknown and impossible names, damaged files, a folder that cannot be written to.

    Names are checked before they become paths, so they may come from a browser; `open_source` also takes paths, and
    must not be given what a visitor of a public page typed.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder or os.environ.get("PLAYGROUND_VECTORS") or DEFAULT_FOLDER)
        self._trash = Trash(self.folder / ".trash")

    def names(self) -> list[str]:
        """Names of all sets, in order of the alphabet; nothing is opened."""
        try:
            found = [
                path.stem for path in self.folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")
            ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileError(
                f"Expected a folder of sets at {self.folder}, got “{reason(error)}”; set PLAYGROUND_VECTORS to one."
            ) from error
        return sorted(found, key=lambda name: (name.lower(), name))

    def list(self) -> list[Entry]:
        """An entry a set, in the order of names, from the headers alone; damaged files with their problem."""
        return [self._entry(name) for name in self.names()]

    def load(self, name: str) -> VectorSet:
        """The set of this name."""
        return load(self._existing(name))

    def open_source(self, source: str) -> VectorSet:
        """The set a recipe's FILE means: the set of this name, or else the file of this path, suffix given or not."""
        name = source.removesuffix(SUFFIX)
        if _is_name(name) and self._path(name).exists():
            return load(self._path(name))
        for candidate in (source, source + SUFFIX):
            try:
                path = Path(candidate).expanduser()
                if path.is_file():
                    return load(path)
            except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, a home that nobody has
                break
        raise FileError(
            f"Expected the name of a vector set or a file, got {shown(source)}, which is neither; "
            f"the library holds {self._some_names()}."
        )

    def save(self, vector_set: VectorSet, name: str, overwrite: bool = False) -> Path:
        """Writes a set under a name, and returns its path. Refuses a name that is taken unless `overwrite`."""
        path = self._path(name)
        data = to_bytes(vector_set)
        with self._locked():
            if path.exists() and not overwrite:
                raise self._taken(name)
            write_atomically(path, data)
        return path

    def rename(self, name: str, new_name: str) -> Path:
        """Gives a set another name, and returns its new path. Refuses a name that is taken."""
        new_path = self._path(new_name)
        with self._locked():
            path = self._existing(name)
            if path == new_path:
                return path
            # On file systems that ignore case, a change of case alone finds the set itself.
            if new_path.exists() and not new_path.samefile(path):
                raise self._taken(new_name)
            os.rename(path, new_path)
        return new_path

    def annotate(self, name: str, row: int, note: RowNote) -> VectorSet:
        """Sets the note of one row, leaving the others as they are at this moment. Returns the set as it is now."""
        return self._change(name, lambda vector_set: vector_set.with_note(row, note))

    def describe(self, name: str, description: str) -> VectorSet:
        """Sets the description of a set. Returns the set as it is now."""
        check_description(description)
        return self._change(name, lambda vector_set: replace(vector_set, description=description))

    def delete(self, name: str) -> str:
        """Moves a set to the trash. Returns the token that brings it back, for as long as the trash keeps it."""
        with self._locked():
            return self._trash.put(self._existing(name), name)

    def undo_delete(self, token: str) -> str:
        """Brings a deleted set back. Returns its name: another one where its own has been taken since."""
        with self._locked():
            path, name = self._trash.find(token)
            name = self.free_name(name)
            os.rename(path, self._path(name))
            return name

    def free_name(self, name: str) -> str:
        """A name that may be saved under: this one with what names cannot hold replaced, numbered where it is taken."""
        stem = re.sub(r"[^A-Za-z0-9 ._+-]+", "-", name.removesuffix(SUFFIX))[: MAX_NAME - 5].strip(" .-") or "set"
        taken = {taken.lower() for taken in self.names()}
        candidate, number = stem, 2
        while candidate.lower() in taken:
            candidate, number = f"{stem}-{number}", number + 1
        return candidate

    def _entry(self, name: str) -> Entry:
        path = self.folder / f"{name}{SUFFIX}"
        size = 0
        try:
            self._path(name)
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

    def _change(self, name: str, change: Callable[[VectorSet], VectorSet]) -> VectorSet:
        with self._locked():
            path = self._existing(name)
            changed = change(load(path))
            write_atomically(path, to_bytes(changed))
            return changed

    def _path(self, name: str) -> Path:
        """The path of a name that may or may not be there. Names that could leave the folder end here."""
        if not _is_name(name):
            raise FileError(
                f"Expected a name of 1 to {MAX_NAME} letters, digits, spaces and . _ + - that begins with a letter or "
                f"digit, got {shown(name)}; choose such a name."
            )
        return self.folder / f"{name}{SUFFIX}"

    def _existing(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            raise FileError(
                f"Expected a set of the library, got {shown(name)}, which is not there; it holds {self._some_names()}."
            )
        return path

    def _taken(self, name: str) -> FileError:
        free = shown(self.free_name(name))
        return FileError(f"Expected a new name, got {shown(name)}, which is taken; choose another one, such as {free}.")

    def _some_names(self) -> str:
        names = self.names()
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return ", ".join(names[:5]) + more if names else "no sets yet"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # In the trash, which git ignores and no list shows, so that the folder holds sets and nothing else.
            with FileLock(self._trash.make() / "lock", timeout=LOCK_SECONDS, mode=0o666):
                yield
        except Timeout as error:
            raise FileError(
                f"Expected to change {self.folder}, got no turn within {LOCK_SECONDS:g} s because another program "
                "holds it; try again."
            ) from error
        except OSError as error:
            raise FileError(
                f"Expected to change {self.folder}, got “{reason(error)}”; set PLAYGROUND_VECTORS to a folder that can "
                "be written to."
            ) from error


def _is_name(name: object) -> bool:
    return isinstance(name, str) and len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def _read_head(path: Path) -> tuple[int, Head]:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return size, read_head(file, size)
    except OSError as error:
        raise FileError(f"Expected a vector set at {path}, got “{reason(error)}”; check the file.") from error
