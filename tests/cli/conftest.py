"""Running the command line: in this process where only its behaviour matters, as a process where that is the claim."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Call `main` with these words."""
    from playground.cli.main import main

    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_TELEMETRY", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, "1" if name.startswith("HF") else "error"))

    def run(*words: object) -> Run:
        capsys.readouterr()
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Run(status, captured.out, captured.err)

    return run


@pytest.fixture
def process() -> Callable[..., Run]:
    """Run a program in a process of its own: by default `python -m playground` with these words, as a user does."""

    def run(*words: object, folder: Path = ROOT, program: tuple[str, ...] = (), **changes: str) -> Run:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        done = subprocess.run(
            [*(program or (sys.executable, "-m", "playground")), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, **changes},
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run
