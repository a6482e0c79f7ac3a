"""Files of one kind in a folder, by name: what the library of vector sets and that of measurements have in common.

Several visitors, and several processes, may work on one folder. Whatever changes it holds the lock of the folder.
Readers need no lock, since files are replaced whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from playground.errors import FileError
from playground.library.atomic import write_atomically
from playground.library.text import reason, shown
from playground.library.trash import KEEP_FILES, Trash
from playground.places import vectors_folder

MAX_NAME = 80
LOCK_SECONDS = 10.0
"""Longest wait for the lock of a folder. No change takes a second: its holder hangs when it takes longer."""

# No comma, # or @, which recipes use; no separators; nothing hidden; what shells and file systems leave alone.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]*[A-Za-z0-9_+-])?", re.ASCII)


@dataclass(frozen=True)
class Undoable:
    """What can be undone: a deletion (`token`), or else a renaming from `name` to `now`."""

    name: str
    token: str = ""
    now: str = ""


class NamedFiles:
    """The files NAME + `suffix` of a folder (made when the first is saved). Every method raises FileError, and nothing
    else, for errors of a user: unknown and invalid names, a folder that cannot be written to. Names are checked
    before they become paths, so they may come from a browser.

    With `below`, the files of another folder are there too and never change: a change to one is kept as a copy in
    `folder`, which then stands for it. `most_bytes` is what `folder` may hold. `undoable` is the same list for all who
    use one object, the newest last.
    """

    suffix: str
    kind: str  # what error sentences call one of them
    trash: str = ".trash"

    def __init__(
        self, folder: Path | str | None = None, below: Path | None = None, most_bytes: int | None = None
    ) -> None:
        self.folder = Path(folder) if folder else vectors_folder()
        self.below = below
        self.most_bytes = most_bytes
        self.undoable: list[Undoable] = []
        self._trash = Trash(self.folder / self.trash)

    def names(self) -> list[str]:
        """Names of all of them, in order of the alphabet; nothing is opened."""
        found = {path.name.removesuffix(self.suffix) for path in self._files()}
        return sorted(found, key=lambda name: (name.lower(), name))

    def stamps(self) -> str:
        """A text that changes whenever a file is added, deleted or changed, by anybody."""
        stamps = []
        for path in sorted(self._files()):
            with suppress(OSError):  # deleted in between
                stamps.append(f"{path.name}:{path.stat().st_mtime_ns}")
        return " ".join(stamps)

    def stamp(self, name: str) -> int:
        """A number that changes with the file of this name; 0 where there is none."""
        try:
            return self._file(name).stat().st_mtime_ns
        except (OSError, FileError):
            return 0

    def rename(self, name: str, new_name: str) -> Path:
        """Gives one another name, and returns its new path. Refuses a name that is taken."""
        new_path = self._path(new_name)
        with self._locked():
            path = self._own(name)
            if path == new_path:
                return path
            # On file systems that ignore case, a change of case alone finds the file itself.
            there = self._file(new_name)
            if there.exists() and not there.samefile(path):
                raise self._taken(new_name)
            os.rename(path, new_path)
            self._note(Undoable(name, now=new_name))
        return new_path

    def delete(self, name: str) -> str:
        """Moves one to the trash. Returns the token that brings it back, for as long as the trash keeps it."""
        with self._locked():
            token = self._trash.put(self._own(name), name)
            self._note(Undoable(name, token))
            return token

    def undo(self) -> str:
        """Takes back the latest deletion or renaming that was not taken back. Returns the name that is there again."""
        if not self.undoable:
            raise FileError(f"Expected a {self.kind} that was deleted or renamed, got none; there is nothing to undo.")
        last = self.undoable.pop()
        if last.token:
            return self.undo_delete(last.token)
        name = self.free_name(last.name)
        self.rename(last.now, name)
        self.undoable.pop()  # taking it back is no change of its own
        return name

    def undo_delete(self, token: str) -> str:
        """Brings a deleted one back. Returns its name: another one where its own has been taken since."""
        with self._locked():
            path, name = self._trash.find(token)
            name = self.free_name(name)
            os.rename(path, self._path(name))
            return name

    def free_name(self, name: str) -> str:
        """A valid name that is not taken: `name` with invalid characters replaced, and a number where it is taken."""
        stem = re.sub(r"[^A-Za-z0-9 ._+-]+", "-", name.removesuffix(self.suffix))[: MAX_NAME - 5].strip(" .-")
        stem = stem or self.kind
        taken = {taken.lower() for taken in self.names()}
        candidate, number = stem, 2
        while candidate.lower() in taken:
            candidate, number = f"{stem}-{number}", number + 1
        return candidate

    def _write(self, name: str, data: bytes, overwrite: bool) -> Path:
        """Writes a file under a name, and returns its path. Refuses a name that is taken unless `overwrite`."""
        path = self._path(name)
        with self._locked():
            if self._file(name).exists() and not overwrite:
                raise self._taken(name)
            self._check_room(path, len(data))
            write_atomically(path, data)
        return path

    def _files(self) -> list[Path]:
        """All files, those of `below` that stand under the same name left out."""
        found: dict[str, Path] = {}
        for folder in (self.folder, self.below):
            if folder is None:
                continue
            try:
                for path in folder.iterdir():
                    if path.name.endswith(self.suffix) and not path.name.startswith("."):
                        found.setdefault(path.name, path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise FileError(
                    f"Expected a folder of {self.kind}s at {folder}, got “{reason(error)}”; set PLAYGROUND_VECTORS to "
                    "one."
                ) from error
        return list(found.values())

    def _file(self, name: str) -> Path:
        """The file of a name: the own one, else that below; the own path where there is none."""
        path = self._path(name)
        if self.below is not None and not path.exists() and (self.below / path.name).exists():
            return self.below / path.name
        return path

    def _own(self, name: str) -> Path:
        """The file of a name, where it may be moved."""
        path = self._existing(name)
        if path.parent != self.folder:
            raise FileError(
                f"Expected a {self.kind} of your own, got {shown(name)}, which is the same for everyone here; choose "
                "another one, or save yours under a name of its own."
            )
        return path

    def _note(self, done: Undoable) -> None:
        self.undoable.append(done)
        del self.undoable[:-KEEP_FILES]

    def _check_room(self, path: Path, size: int) -> None:
        """Raises FileError where the folder would hold more than it may."""
        if self.most_bytes is None or self._held_beside(path) + size <= self.most_bytes:
            return
        self._trash.empty()
        if self._held_beside(path) + size > self.most_bytes:
            raise FileError(
                f"Expected room for this {self.kind}, got more than the {self.most_bytes >> 20} MiB that a visitor may "
                "keep here; download what you want to keep, and delete some."
            )

    def _held_beside(self, path: Path) -> int:
        """Bytes of all files in the folder but this one, the trash included."""
        return sum(one.stat().st_size for one in self.folder.rglob("*") if one.is_file() and one != path)

    def _path(self, name: str) -> Path:
        """The path of a name, whether or not the file exists. Refuses names that could lead out of the folder."""
        if not is_name(name):
            raise FileError(
                f"Expected a name of 1 to {MAX_NAME} letters, digits, spaces and . _ + - that begins with a letter or "
                f"digit, got {shown(name)}; choose such a name."
            )
        return self.folder / f"{name}{self.suffix}"

    def _existing(self, name: str) -> Path:
        path = self._file(name)
        if not path.is_file():
            raise FileError(
                f"Expected a {self.kind} of the library, got {shown(name)}, which is not there; it holds "
                f"{self._some_names()}."
            )
        return path

    def _taken(self, name: str) -> FileError:
        free = shown(self.free_name(name))
        return FileError(f"Expected a new name, got {shown(name)}, which is taken; choose another one, such as {free}.")

    def _some_names(self) -> str:
        names = self.names()
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return ", ".join(names[:5]) + more if names else f"no {self.kind}s yet"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # In the trash, which git ignores and no list shows, so that the folder holds what it is for and no more.
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


def is_name(name: object) -> bool:
    """Whether this is a valid name of a file in the library."""
    return isinstance(name, str) and len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None
