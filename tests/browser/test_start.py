"""`python app.py`, as a new user starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from visiting import SLACK

ROOT = Path(__file__).parents[2]
LIMIT = 10.0
"""Seconds until the server answers, on two cores and nothing else running."""


@pytest.mark.timed
def test_the_server_is_up_within_ten_seconds_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    started = time.perf_counter()
    with log.open("w") as said:
        server = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port)],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            # A process started in the background would inherit a SIGINT that is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    try:
        took = None
        while server.poll() is None and time.perf_counter() - started < 3 * LIMIT * SLACK:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    assert answer.status == 200
                took = time.perf_counter() - started
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        print(f"server up after {took} s")
        assert took is not None, log.read_text()
        assert took < LIMIT * SLACK
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) in (0, -signal.SIGINT, 128 + signal.SIGINT), log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        server.kill()
        server.wait()
