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
TRIES = 3
"""Of which the quickest counts: the same start took 7 and 14 seconds within minutes on a machine shared with others."""


@pytest.mark.timed
def test_the_server_is_up_within_ten_seconds_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    taken: list[float] = []
    while len(taken) < TRIES and not (taken and min(taken) < LIMIT * SLACK):
        taken.append(seconds_until_up(tmp_path / "log"))
    print(f"server up after {', '.join(f'{seconds:.1f}' for seconds in taken)} s")
    assert min(taken) < LIMIT * SLACK


def seconds_until_up(log: Path) -> float:
    """From the start of the process to the first answer; then it is ended by Ctrl-C."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
        assert took is not None, log.read_text()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) in (0, -signal.SIGINT, 128 + signal.SIGINT), log.read_text()
        assert "Traceback" not in log.read_text()
        return took
    finally:
        server.kill()
        server.wait()
