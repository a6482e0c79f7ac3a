"""Places: what ships (model, prompts, vectors, citation), in a checkout or an installation, and where sets are kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = (_PACKAGE / "assets").is_dir()
_ROOT = _PACKAGE if _INSTALLED else _PACKAGE.parent
ASSETS = _ROOT / "assets"
SHIPPED_VECTORS = _ROOT / "vectors"
SHIPPED_ATLASES = ASSETS / "atlases"
HOME = Path("~/.steering-playground")
"""Where an installation keeps what people make; a checkout keeps it beside its code."""


def citation() -> str:
    """CITATION.cff."""
    try:
        return (_ROOT / "CITATION.cff").read_text(encoding="utf-8")
    except OSError:  # a copy of the package without what stands beside it
        return ""


def vectors_folder() -> Path:
    """The folder of vector sets: PLAYGROUND_VECTORS, or that of the checkout, or one in the user's home.

    The last begins as a copy of the sets that ship; where it cannot be written, it is those themselves.
    """
    named = os.environ.get("PLAYGROUND_VECTORS")
    if named:
        return Path(named)
    if not _INSTALLED:
        return SHIPPED_VECTORS
    own = HOME.expanduser() / "vectors"
    try:
        if not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            begun = Path(f"{own}.{os.getpid()}")
            shutil.copytree(SHIPPED_VECTORS, begun)
            begun.rename(own)
    except OSError:
        # Another process was faster, or nothing can be written here.
        return own if own.exists() else SHIPPED_VECTORS
    return own


def times_file() -> Path | None:
    """The file that times of runs are kept in: PLAYGROUND_TIMES, or one in the user's cache folder; None for "off"."""
    named = os.environ.get("PLAYGROUND_TIMES")
    if named:
        return None if named == "off" else Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "steering-playground" / "times.json"
