"""What the playground depends on: each for a reason, under a licence that asks no more of users, and looked up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import licences

ROOT = Path(__file__).resolve().parents[1]


def rows(path: Path, heading: str) -> dict[str, str]:
    """The table under a heading of a document: first column to second."""
    text = path.read_text(encoding="utf-8").split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    return dict(re.findall(r"^\| `?([\w.-]+)`? \| (.+?) \|$", text, re.M))


def test_every_dependency_has_its_reason() -> None:
    reasons = rows(ROOT / "assets" / "docs" / "ARCHITECTURE.md", "## Dependencies")
    assert set(reasons) - {"package"} == set(licences.direct())
    assert all(len(reason.split()) >= 4 for name, reason in reasons.items() if name != "package")


def test_no_installed_licence_asks_more_of_users_than_ours() -> None:
    needed = licences.closure()
    assert set(licences.direct()) <= set(needed)
    assert [reason for name, said in needed.items() if (reason := licences.wrong(name, said))] == []


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("MIT", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", False),
        ("BSD-3-Clause AND GPL-3.0-or-later-with-GCC-exception", False),
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3 (AGPLv3)", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("Proprietary", True),
        ("CC-BY-NC-4.0 noncommercial", True),
        ("", True),
        ("see the file", True),
    ],
)
def test_a_licence_that_asks_more_and_an_unknown_one_are_refused(said: str, refused: bool) -> None:
    assert (licences.wrong("one", said) is not None) == refused


def test_the_page_of_licences_is_that_of_the_installed_packages() -> None:
    listed, installed = rows(licences.DOCUMENT, "# Licences"), licences.closure()
    assert set(licences.direct()) <= set(listed)
    # Other platforms need other packages; what is on the page and here has the licence that it names here.
    assert {name: said for name, said in listed.items() if name in installed} == {
        name: said for name, said in installed.items() if name in listed
    }
    assert [name for name in installed if name not in listed and not licences.VENDORS.match(name)] == []


def test_without_an_index_of_advisories_the_audit_is_skipped_in_one_line() -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "tests/audit.py"], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"ADVISORY_INDEX": "http://127.0.0.1:9"},
    )  # fmt: skip
    assert time.monotonic() - started < 10
    assert done.returncode == 0
    assert done.stdout.startswith("pip-audit skipped: no advisories at http://127.0.0.1:9 (")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
