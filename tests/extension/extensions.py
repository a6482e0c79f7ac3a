"""A package of somebody else's on a path: one file, and the entry point that names it."""

from __future__ import annotations

import os
from pathlib import Path


def install(folder: Path, name: str, text: str, group: str, attribute: str) -> dict[str, str]:
    """Write the package `name` with the module text, as an installer would leave it; the environment that sees it."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}:{attribute}\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}
