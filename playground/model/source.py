"""Resolves a model's name to a folder with its files: the shipped model, a local path, or the Hub.

A local path never touches the network. From the Hub, the small files come first, so that what cannot work is refused
before gigabytes are fetched, and everything after the download reads the local copy.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from playground.errors import Cancelled, ModelError
from playground.model import gguf
from playground.model.bounds import read_json
from playground.model.pasted import hub_name, refuse_file, short
from playground.places import ASSETS

ORGANISM = ASSETS / "organism"
"""The model that ships with the playground."""

_LONGEST = 255
"""Bytes of a file's name at most: systems raise at longer ones."""
_MOST_INDEX = 2**26
"""Bytes of the index of a checkpoint in parts."""
MOST_NAME = 4096
"""Characters of a name: as many as a path of Linux has."""
_REVISION = re.compile(r"\w[\w./+-]{0,199}", re.ASCII)

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done, 0 to 1."""

POLL_SECONDS = 0.25
"""How often the progress of a download is told, and a Stop noticed."""

_SMALL_FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken"]
_WEIGHTS = (("model", "safetensors"), ("pytorch_model", "bin"))  # the first that is there, whole or in parts
_SUBFOLDERS = ["*/*"]  # other formats of the same weights (original/, onnx/, …)


@dataclass(frozen=True)
class Source:
    """Where a model's files are. `folder` is local; `repo` is None for a local model."""

    name: str  # as the user gave it, "organism" for the shipped model
    folder: Path
    repo: str | None = None
    revision: str | None = None  # the commit on the Hub
    gguf: str | None = None  # the name of the one file that holds everything, where it is a GGUF

    @property
    def from_file(self) -> dict[str, str]:
        """What transformers is told beside the folder to read from a GGUF file."""
        return {} if self.gguf is None else {"gguf_file": self.gguf}


def locate(name: str | None, on_progress: Progress | None = None) -> Source:
    """Find the model called `name` and, for one on the Hub, fetch its small files (not yet its weights).

    None, "" and "organism" mean the shipped model. A Hub id may carry a revision: "id@revision" or "id:revision", and
    may be given as the address of its page. A GGUF file is a model, and so is a folder with one.
    Errors: ModelError for a path that is not there or not a model, an unknown or gated repository, an unknown
    revision, no network.
    """
    name = (name or "").strip()
    if not name.isprintable() or len(name) > MOST_NAME:
        raise ModelError(
            f"Expected a model directory or a Hub id of at most {MOST_NAME} printable characters, got {short(name)!a}; "
            "check it."
        )
    if name in ("", "organism") or _is(name, ORGANISM):
        if not (ORGANISM / "config.json").is_file():
            raise ModelError(
                f"Expected the shipped model in {ORGANISM}, found none; run `python -m playground train-organism`."
            )
        return Source("organism", ORGANISM)
    path = _home(name)
    if _there(path, Path.is_dir):
        if (path / "config.json").is_file():
            return Source(name, path)
        single = gguf.only_file(path)
        if single is None:
            raise ModelError(
                f"Expected a model directory, but {name} has neither config.json nor a GGUF file; choose the folder "
                "with the weights."
            )
        return Source(name, path, gguf=single.name)
    if _there(path, Path.is_file):
        if path.suffix.lower() != gguf.SUFFIX:
            raise refuse_file(path)
        return Source(name, path.parent, gguf=path.name)
    if path.suffix.lower() == gguf.SUFFIX and "://" not in name:
        raise ModelError(f"Expected a GGUF file at {short(name)!r}, but there is none; check the spelling.")
    name = hub_name(name)
    repo, revision = _split(name)
    if not _is_repo_id(repo):
        raise ModelError(
            f"Expected a model directory or a Hub id such as Qwen/Qwen3-0.6B, but there is no folder {short(name)!r}; "
            "check the spelling."
        )
    if revision is not None and not _REVISION.fullmatch(revision):
        raise ModelError(f"Expected a branch, tag or commit of {repo}, got {short(revision)!a}; check it.")
    folder = _fetch(repo, revision, _SMALL_FILES, "Reading the model's description", on_progress)
    if not (folder / "config.json").is_file():
        raise ModelError(f"Expected a transformers model, but {repo} has no config.json; choose another repository.")
    return Source(name, folder, repo, revision=folder.name)


def fetch_weights(source: Source, on_progress: Progress | None = None) -> tuple[Path, ...]:
    """The files that hold a model's weights, after downloading those of a model on the Hub.

    Errors: ModelError when there are none, or when a file is cut off or missing.
    """
    if source.gguf is not None:
        return (source.folder / source.gguf,)
    for stem, kind in _WEIGHTS:
        patterns = [f"{stem}.{kind}", f"{stem}-*.{kind}"]
        if source.repo is not None:
            _fetch(source.repo, source.revision, patterns, "Downloading the weights", on_progress)
        files = {path for pattern in patterns for path in source.folder.glob(pattern)}
        files |= {path for index in source.folder.glob(f"{stem}.{kind}.index.json") for path in _shards(index)}
        if files:
            break
    else:
        raise ModelError(
            f"Expected weights beside the configuration of {source.name}, found none (model.safetensors or "
            "pytorch_model.bin); choose a folder that holds them."
        )
    for path in sorted(files):
        if not path.is_file() or not _is_whole(path):
            raise ModelError(
                f"Expected whole weight files for {source.name}, but {path.name} is missing or damaged; "
                "fetch the model's files again."
            )
    return tuple(sorted(files))


def bar(stage: str, on_progress: Progress | None, unwanted: Callable[[], bool] = lambda: False) -> type[tqdm]:
    """A tqdm class that reports to `on_progress` and writes nothing; once the work is `unwanted`, the next step raises
    Cancelled.
    """

    class Bar(tqdm):
        disable: bool
        # tqdm starts a thread for every class of bars, which never ends.
        monitor_interval = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            # Without a listener nothing is computed; with one, `display` is called as often as a bar is drawn.
            super().__init__(*args, **{**kwargs, "disable": on_progress is None, "mininterval": 0.1})

        def update(self, n: float | None = 1) -> bool | None:
            if unwanted():
                raise Cancelled
            drawn: bool | None = super().update(n)
            return drawn

        def display(self, *args: Any, **kwargs: Any) -> None:
            # Of several bars (files, bytes) the one that counts bytes or weights says most.
            if on_progress is not None and self.total and not str(self.desc).startswith("Fetching"):
                with suppress(Cancelled):  # here tqdm holds a lock, which an error would leave locked for ever
                    on_progress(stage, min(self.n / self.total, 1.0))

        def close(self) -> None:
            if not self.disable:
                self.display()  # the last stretch may have been too short to be drawn
            self.disable = True

    return Bar


def _fetch(repo: str, revision: str | None, patterns: list[str], stage: str, on_progress: Progress | None) -> Path:
    # Imported here: the shipped model and local ones need nothing of it.
    from huggingface_hub import errors, snapshot_download

    label = repo if revision is None else f"{repo} at {revision}"

    def download(tell: Progress | None, unwanted: Callable[[], bool]) -> str:
        return snapshot_download(
            repo,
            revision=revision,
            allow_patterns=patterns,
            ignore_patterns=_SUBFOLDERS,
            tqdm_class=bar(stage, tell, unwanted),
        )

    try:
        folder = download(None, lambda: False) if on_progress is None else _told_while(download, stage, on_progress)
    except errors.GatedRepoError as error:
        raise ModelError(
            f"Expected a model that may be downloaded, but {repo} is gated; accept its terms on huggingface.co/{repo} "
            "and log in with `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"Expected a revision of {repo}, got {revision!r}; check the branch, tag or commit."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"Expected a path or a public model of the Hugging Face Hub, but there is no {repo}; check the spelling, "
            "or log in with `hf auth login` when it is private."
        ) from error
    except errors.HFValidationError as error:
        raise ModelError(
            f"Expected a path or a Hub id such as Qwen/Qwen3-0.6B, got {short(repo)!r}; check it."
        ) from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, ConnectionError) as error:
        raise ModelError(
            f"Expected {label} in the local cache or on the Hub, but it is not cached and the Hub cannot be reached; "
            "connect to the network or give the path of a model directory."
        ) from error
    except Exception as error:
        # The Hub's client speaks through httpx or httpx2, by version; a connection that breaks off raises their errors.
        # A proxy that needs a package which is not installed is an ImportError.
        if not isinstance(error, OSError | ImportError) and not type(error).__module__.startswith("httpx"):
            raise
        raise ModelError(f"Expected to download {label}, but that failed: {_first_line(error)}; try again.") from error
    return Path(folder)


def _told_while(work: Callable[[Progress, Callable[[], bool]], str], stage: str, on_progress: Progress) -> str:
    """The result of `work` in a thread of its own, with the latest progress told again every POLL_SECONDS.

    A listener that raises, since the work is no longer wanted, so ends the wait also for a server that says nothing;
    the thread then ends at its next progress or time limit.
    """
    latest = [(stage, 0.0)]
    ended: list[str | BaseException] = []
    unwanted = False

    def tell(stage: str, share: float) -> None:
        latest[0] = (stage, share)

    def run() -> None:
        try:
            ended.append(work(tell, lambda: unwanted))
        except BaseException as error:  # whatever it is, it is raised in the thread that waits
            ended.append(error)

    thread = threading.Thread(target=run, name="playground-download", daemon=True)
    thread.start()
    try:
        running = True
        while running:
            thread.join(POLL_SECONDS)
            running = thread.is_alive()
            on_progress(*latest[0])
    finally:
        unwanted = True
    (result,) = ended
    if isinstance(result, BaseException):
        raise result
    return result


def _shards(index: Path) -> set[Path]:
    """The files that the index of a checkpoint in several parts names."""
    try:
        names = set(read_json(index, _MOST_INDEX)["weight_map"].values())
        # A file beside the index, never one elsewhere on this machine.
        if all(Path(name).name == name and name.isprintable() and len(os.fsencode(name)) <= _LONGEST for name in names):
            return {index.parent / name for name in names}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        pass  # said for the name that follows
    return {index.with_name(f"{index.name} (unreadable)")}


def tensor_count(files: Sequence[Path]) -> int | None:
    """How many tensors safetensors files hold; None for files of another kind."""
    count = 0
    for path in files:
        if path.suffix != ".safetensors":
            return None
        with safe_open(path, framework="pt") as file:
            count += len(file.keys())
    return count


def _is_whole(path: Path) -> bool:
    """Whether a weight file has its contents: safetensors say in their header how long they are."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt"):
                return True
        return path.stat().st_size > 0
    except (SafetensorError, OSError):
        return False


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _there(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except (OSError, ValueError):  # names that no file can have
        return False


def _home(name: str) -> Path:
    """The path of a name, `~` as the home of a user that there is."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~ of an unknown user
        return Path(name)


def _is(name: str, folder: Path) -> bool:
    try:
        return _home(name).resolve() == folder
    except (OSError, ValueError):
        return False


def _split(name: str) -> tuple[str, str | None]:
    for mark in ("@", ":"):
        repo, found, revision = name.partition(mark)
        if found and revision:
            return repo, revision
    return name, None


def _is_repo_id(name: str) -> bool:
    """Whether `name` can be a Hub id, "name" or "owner/name" of at most 96 characters, and not only a path."""
    return len(name) <= 96 and re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name, re.ASCII) is not None
