"""pip-audit over tests/constraints.txt, where an index of advisories answers: `python tests/audit.py`.

Exit status 1 for a known hole in one of the exact versions that are tested. Where the index does not answer, one line
says so, and nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

PINNED = "pip-audit==2.10.1"
INDEX = os.environ.get("ADVISORY_INDEX", "https://pypi.org")
"""Where pip-audit asks. Another address, for the tests, is only asked whether it answers."""
SECONDS = 4.0
"""Longest wait for its answer."""
CONSTRAINTS = Path(__file__).with_name("constraints.txt")


def absent(index: str = INDEX) -> str | None:
    """Why advisories on a package of CONSTRAINTS cannot be had there, as on a mirror; None where they can."""
    text = CONSTRAINTS.read_text(encoding="utf-8")
    name, _, version = next(line for line in text.splitlines() if line.startswith("gradio==")).partition("==")
    try:
        with urllib.request.urlopen(f"{index}/pypi/{name}/{version}/json", timeout=SECONDS) as answer:
            told = json.load(answer)
    except (OSError, ValueError) as error:
        return str(error)
    return None if "vulnerabilities" in told else "its answer names no advisories"


def main() -> int:
    """Run pip-audit in an environment of its own, so that it changes nothing in the one that is tested."""
    reason = absent()
    if reason is not None:
        print(f"pip-audit skipped: no advisories at {INDEX} ({reason})")
        return 0
    with tempfile.TemporaryDirectory(prefix="playground-audit-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", PINNED], check=True)
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off"]
        return subprocess.run([python, "-m", "pip_audit", "-r", str(CONSTRAINTS), *options]).returncode


if __name__ == "__main__":
    sys.exit(main())
