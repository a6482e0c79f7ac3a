"""A package of somebody else's on a path: one file, and the entry point that names it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME, LABEL = "pair_axes", "Pair axes"


def install(folder: Path, name: str, text: str, group: str, attribute: str) -> dict[str, str]:
    """Write the package `name` with the module text, as an installer would leave it; the environment that sees it."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}:{attribute}\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def pair_axes() -> str:
    """The shipped contrast PCA under another name: it could have been written anywhere."""
    text = (ROOT / "playground" / "methods" / "contrast_pca.py").read_text(encoding="utf-8")
    for before, after in (
        ('name="contrast-pca"', f'name="{NAME}"'), ('label="Contrast PCA"', f'label="{LABEL}"'),
        ('run="playground.methods.contrast_pca:run"', f'run="{NAME}:run"'),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    return text
