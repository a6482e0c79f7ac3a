"""kill -9 while something is written: no half file, what was finished is there, and a restart goes on from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")


@pytest.fixture(scope="module")
def told(tiny_path, tmp_path_factory):
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests/trust/killed.py"), str(tiny_path("qwen3")), tmp_path_factory.mktemp("out")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", ["scan", "measure"])
def test_a_file_that_was_being_written_is_not_there_and_the_command_can_be_repeated(told, command):
    states, status, files, whole = told[command]
    assert states == [[True, []], [True, []]]
    assert (status, files, whole) == (0, ["y.json"], True)


def test_ortho_keeps_the_batches_before_a_kill_and_continues_to_the_end(told):
    states, listed, status, rows = told["ortho"]
    assert states == [[True, [], 0], [True, ["o.safetensors"], 2], [True, ["o.safetensors"], 4]]
    assert listed == [["o", None]]
    assert (status, rows) == (0, 6)


def test_a_stage_of_evidence_counts_as_finished_only_with_its_numbers(told):
    killed, left, status, files = told["evidence"]
    assert killed
    assert "steered.json" not in left
    assert "evidence.md" not in left
    assert status == 0
    assert {"steered.json", "evidence.md"} <= set(files)
