"""Models to choose from: those on this machine (a folder of models, the Hub's cache) and a short list to download.

Only file names, sizes and config.json are read: no weights and no network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from playground.model.bounds import read_json

DEEPEST = 3
"""Depth of the search below the folder of models: LM Studio keeps owner/repository/file.gguf."""
MOST = 40
"""Models listed of one place; others are loaded by their path."""
MOST_FOLDERS = 2000
"""Folders searched, so that a home directory or a whole disk, given by mistake, does not hold up the page."""

_CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_PART = re.compile(r"-(\d+)-of-(\d+)\.", re.IGNORECASE)


@dataclass(frozen=True)
class LocalModel:
    """A model on this machine: its name for `load`, a short name to show, and the bytes of its weight files."""

    name: str
    shown: str
    file_bytes: int


@dataclass(frozen=True)
class HubModel:
    """A model that can be downloaded. `gated`: its terms must be accepted on the Hub first."""

    name: str
    parameters: int
    gated: bool = False

    @property
    def shown(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def memory_bytes(self) -> int:
        """Bytes of its weights in bfloat16; in float32 it is twice as much."""
        return 2 * self.parameters


HUB_MODELS = (
    HubModel("HuggingFaceTB/SmolLM2-135M-Instruct", 134_515_008),
    HubModel("Qwen/Qwen3-0.6B", 596_049_920),
    HubModel("google/gemma-3-1b-it", 999_885_952, gated=True),
    HubModel("meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400, gated=True),
    HubModel("Qwen/Qwen3-1.7B", 1_720_574_976),
    HubModel("Qwen/Qwen3-4B", 4_022_468_096),
    HubModel("Qwen/Qwen3-8B", 8_190_735_360),
    HubModel("Qwen/Qwen3-14B", 14_768_307_200),
)
"""Instruct models from small to large; parameters as they are in memory, embeddings that are shared counted once."""


@dataclass(frozen=True)
class ModelChoices:
    """Models that can be chosen beside the shipped one, each part from small to large."""

    local: tuple[LocalModel, ...]
    hub: tuple[HubModel, ...]

    @property
    def first_real(self) -> LocalModel | HubModel | None:
        """The model to try first: the smallest that is on this machine, else the smallest that can be fetched."""
        every: tuple[LocalModel | HubModel, ...] = (*self.local, *self.hub)
        return next(iter(every), None)


def model_choices(folder: Path | None = None, cache: Path | None = None) -> ModelChoices:
    """The models in `folder` and in the Hub's cache (or `cache`), and those of HUB_MODELS that are not cached."""
    cached = in_cache(Path(constants.HF_HUB_CACHE) if cache is None else cache)
    found = ([] if folder is None else in_folder(folder)) + cached
    have = {model.name for model in cached}
    return ModelChoices(
        tuple(sorted(found, key=lambda model: (model.file_bytes, model.shown))),
        tuple(model for model in HUB_MODELS if model.name not in have),
    )


def in_folder(folder: Path) -> list[LocalModel]:
    """The models in a folder: GGUF files, and folders with a config.json and weights, at most DEEPEST levels down."""
    found: list[LocalModel] = []
    for looked, (here, below, files) in enumerate(os.walk(folder), start=1):
        place = Path(here)
        below[:] = sorted(name for name in below if not name.startswith("."))
        size = _checkpoint_bytes(place)
        if size is not None:
            found.append(LocalModel(str(place), place.name, size))
        if size is not None or len(place.relative_to(folder).parts) >= DEEPEST:
            below.clear()
        found += _gguf_files(place, files)
        if len(found) >= MOST or looked >= MOST_FOLDERS:
            break
    return found[:MOST]


def in_cache(cache: Path) -> list[LocalModel]:
    """The models in a cache of the Hub whose main revision is there with all its weights."""
    found: list[LocalModel] = []
    for repository in sorted(cache.glob("models--*")):
        try:
            commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):  # another revision, or a download that was cut off at once
            continue
        snapshot = repository / "snapshots" / commit
        name = repository.name.removeprefix("models--").replace("--", "/", 1)
        size = _checkpoint_bytes(snapshot)
        if size is not None:
            found.append(LocalModel(name, name.rpartition("/")[2], size))
        elif snapshot.is_dir():
            found += _gguf_files(snapshot, [path.name for path in snapshot.iterdir()])
    return found[:MOST]


def _gguf_files(folder: Path, files: list[str]) -> Iterator[LocalModel]:
    """GGUF files that are a whole language model; parts of one and projectors of images are left out."""
    for name in sorted(files):
        if name.lower().endswith(".gguf") and not name.startswith("mmproj") and not _PART.search(name):
            size = _size(folder / name)
            if size:
                yield LocalModel(str(folder / name), name, size)


def _checkpoint_bytes(folder: Path) -> int | None:
    """Bytes of the weights of a causal model in a folder; None where there is none, or not all of it."""
    try:
        config = read_json(folder / "config.json")
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or config.get("is_encoder_decoder"):
        return None
    named = config.get("architectures")
    if isinstance(named, list) and named and not any(str(name).endswith(_CAUSAL) for name in named):
        return None
    for stem, kind in (("model", "safetensors"), ("pytorch_model", "bin")):
        parts = sorted({*folder.glob(f"{stem}.{kind}"), *folder.glob(f"{stem}-*.{kind}")})
        counts = [int(match[2]) for match in map(_PART.search, (path.name for path in parts)) if match]
        sizes = [_size(path) for path in parts]
        if parts and all(sizes) and (not counts or len(counts) == max(counts)):
            return sum(sizes)
    return None


def _size(path: Path) -> int:
    """Bytes of a file; 0 where it is not there, as behind a link of a cache that was cleaned."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
