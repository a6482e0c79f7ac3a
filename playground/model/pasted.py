"""Interprets pasted model names: addresses, single files, ids with something around them."""

from __future__ import annotations

import re
from pathlib import Path

from playground.errors import ModelError

_HUB = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<path>[^?#\s]*)(?:[?#]\S*)?", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NO_MODELS = ("datasets", "spaces", "docs", "papers", "collections", "blog")
_FILES = {
    ".safetensors": "a weight file or a vector set; give the folder that holds the model's config.json",
    ".bin": "a weight file; give the folder that holds the model's config.json",
    ".pt": "a pickled file, which is never opened here; give a folder with safetensors",
    ".pth": "a pickled file, which is never opened here; give a folder with safetensors",
    ".ckpt": "a pickled file, which is never opened here; give a folder with safetensors",
    ".json": "a configuration; give the folder that holds it",
    ".zip": "an archive; unpack it and give the folder",
}


def hub_name(name: str) -> str:
    """The Hub id in an address of the Hub ("id@revision" for a page of a revision); any other name as it is.

    Raises ModelError for the address of something else than a model, and for other sites.
    """
    address = _HUB.fullmatch(name)
    if address is None:
        if _ADDRESS.match(name):
            raise ModelError(
                f"Expected a path, a Hub id or an address at huggingface.co, got another address, {short(name)!r}; "
                "download the model and give its folder or GGUF file."
            )
        return name
    parts = [part for part in address["path"].split("/") if part]
    if not parts or parts[0] in _NO_MODELS:
        what = short(parts[0]) if parts else "the start page"
        raise ModelError(f"Expected the address of a model, got one of {what}; open the model's page and copy that.")
    if parts[-1].lower().endswith(".gguf"):
        raise ModelError(
            f"Expected a model, got the address of one file, {short(parts[-1])}; download it and give its path, or "
            f"give {short('/'.join(parts[:2]))} if that repository holds safetensors."
        )
    revision = f"@{parts[3]}" if len(parts) > 3 and parts[2] in ("tree", "blob", "resolve", "commit") else ""
    return "/".join(parts[:2]) + revision


def refuse_file(path: Path) -> ModelError:
    """The error for a file that is there but is no model."""
    what = _FILES.get(path.suffix.lower(), "none of these; give a folder with a model, or a .gguf file")
    return ModelError(f"Expected a model directory, a GGUF file or a Hub id, but {path.name} is {what}.")


def short(name: str) -> str:
    """A name as a message quotes it: its first 80 characters."""
    return name if len(name) <= 80 else f"{name[:79]}…"
