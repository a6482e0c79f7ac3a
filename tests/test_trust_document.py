"""Every promise of TRUST.md names the tests that hold it, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "assets/docs/TRUST.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_tests_that_hold_the_promises_are_there():
    named = NAMED.findall(DOCUMENT)
    assert len(named) > 50
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {name}"


def test_every_promise_has_a_test():
    tables = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    promises = [line for line in tables if "::" in line or "tests/" in line]
    assert all(NAMED.search(line.split("|")[2]) for line in promises)
    assert len(promises) >= 30
