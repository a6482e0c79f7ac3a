"""Name of a model's architecture, such as llama or qwen2, from files on this machine."""

from __future__ import annotations

from pathlib import Path

from playground.errors import ModelError
from playground.model.adapter import split_adapter
from playground.model.bounds import read_json
from playground.model.gguf import SUFFIX, read_head
from playground.model.source import ORGANISM

_LONGEST = 80


def architecture_of(name: str) -> str:
    """The architecture that the files of a model say; "" where they are not on this machine. No network is asked."""
    name = split_adapter(name)[0] or name
    try:
        path = Path(name).expanduser()
        if path.suffix.lower() == SUFFIX and path.is_file():
            return read_head(path).architecture
        config = read_json(_config(name, path))
    except (ModelError, OSError, ValueError, RuntimeError):  # not there, damaged, no path at all
        return ""
    kind = config.get("model_type") if isinstance(config, dict) else None
    return kind if isinstance(kind, str) and kind.isprintable() and len(kind) <= _LONGEST else ""


def _config(name: str, path: Path) -> Path:
    """Where the model's config.json is, or would be."""
    from huggingface_hub import try_to_load_from_cache

    if name == "organism" or path.is_dir():
        return (ORGANISM if name == "organism" else path) / "config.json"
    kept = try_to_load_from_cache(name.partition("@")[0], "config.json")
    return Path(kept) if isinstance(kept, str) else path / "config.json"
