"""A download that breaks off: a sentence, the model of before, no half file, and a second try that succeeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def told(tiny_path):
    """Kind of fault → (error, seconds, name of the model that is loaded then)."""
    folder = tiny_path("qwen3")
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests/trust/broken_hub.py"), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return str(folder), json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(("fault", "said"), [("cut", "peer closed connection"), ("500", "500 Internal Server Error")])
def test_a_download_that_breaks_off_is_a_sentence_and_leaves_the_model_of_before(told, fault, said):
    before, faults = told
    error, _, name = faults[fault]
    assert error.startswith("ModelError: Expected to download tiny/model")
    assert said in error
    assert error.endswith("; try again.")
    assert name == before


def test_a_stop_ends_a_download_that_hangs_within_seconds(told):
    before, faults = told
    error, seconds, name = faults["hang"]
    assert error.startswith("Cancelled")
    assert seconds < 2
    assert name == before


def test_the_next_try_loads_the_whole_model(told):
    assert told[1][""][0] == ""
    assert told[1][""][2] == "tiny/model"
