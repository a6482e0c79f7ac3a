"""Licences of everything that requirements.txt installs: `python -m tests.licences [--write]`.

Read from the metadata of the installed packages, from those that requirements.txt names to those that they need.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "assets" / "docs" / "LICENSES.md"

ALLOWED = re.compile(
    r"Apache|BSD|BSL-1\.0|CC0|CNRI|HPND|ISC|MIT|MPL|PSF|Python Software Foundation|Unlicense|Zlib|ZPL", re.I
)
FORBIDDEN = re.compile(
    r"\bA?GPL(?!-3\.0-or-later-with-GCC-exception)|General Public License|SSPL|Commons Clause"
    r"|non-?commercial|proprietary",
    re.I,
)
VENDORS = re.compile(r"^(nvidia|cuda)-")
"""CUDA libraries, which torch brings on Linux, under NVIDIA's own licence."""

HEAD = """# Licences

The playground is under the Apache License 2.0, and ships nobody else's code. `pip install -r requirements.txt` fetches
the packages below, each under its own licence; `python -m tests.licences --write` reads them from the metadata of what
is installed. `tests/test_supply.py` refuses licences that ask more of users, and packages without one. On Linux with
CUDA, torch brings NVIDIA's libraries as well, under NVIDIA's licence.

| package | licence |
|---|---|"""


def direct() -> list[str]:
    """Names of the packages in requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line).name for line in lines if line.strip() and not line.startswith("#")]


def closure() -> dict[str, str]:
    """Every installed package that requirements.txt needs here, by its canonical name, with its licence."""
    found: dict[str, str] = {}
    asked = set[tuple[str, str]]()
    waiting = [(name, "") for name in direct()]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        try:
            about = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        found[canonicalize_name(name)] = licence(about)
        for needed in map(Requirement, about.requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed.name, more) for more in ("", *needed.extras)]
    return dict(sorted(found.items()))


def licence(about: metadata.Distribution) -> str:
    """The licence that a package names: as an expression, by its classifiers, or in its licence field; "" for none."""
    named = about.metadata
    if named["License-Expression"]:
        return str(named["License-Expression"])
    classifiers = [line.rsplit(" :: ", 1)[-1] for line in named.get_all("Classifier") or () if "License ::" in line]
    field = (named["License"] or "").strip().splitlines()
    if field and len(field[0]) <= 60 and field[0].upper() != "UNKNOWN":
        return field[0]
    if classifiers:
        return ", ".join(classifiers)
    return ""


def wrong(name: str, said: str) -> str | None:
    """Why a package may not be needed; None where it may."""
    if VENDORS.match(name):
        return None
    if FORBIDDEN.search(said):
        return f"{name}: {said} asks more of users than this program's licence"
    return None if ALLOWED.search(said) else f"{name}: no known licence (“{said}”)"


def document() -> str:
    """The page of licences."""
    lines = [f"| {name} | {said} |" for name, said in closure().items() if not VENDORS.match(name)]
    return "\n".join([HEAD, *lines, ""])


if __name__ == "__main__":
    if "--write" in sys.argv:
        DOCUMENT.write_text(document(), encoding="utf-8")
    else:
        print(document(), end="")
