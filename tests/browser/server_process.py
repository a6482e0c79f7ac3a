"""`python app.py` as a process of its own, for tests that count its connections or end it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from visiting import SLACK

ROOT = Path(__file__).parents[2]
LONGEST = 60.0


class Server:
    """The page on one port. `start` and `kill` may alternate."""

    def __init__(self, log: Path, program: Sequence[str] = ("app.py",), env: Mapping[str, str] | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = log
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._env = env or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, *self._program, "--port", str(self.port)],
                cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, env=os.environ | self._env,
            )  # fmt: skip
        deadline = time.monotonic() + LONGEST * SLACK
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"Expected a server, got: {self.log.read_text()}")

    def kill(self) -> None:
        """End it at once (kill -9), with nothing said to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
