"""python -m playground bundle: the folder it writes, what it prints and refuses; no model is loaded for it."""

from __future__ import annotations

import json
from pathlib import Path

EVIDENCE = Path(__file__).resolve().parents[2] / "assets" / "docs" / "evidence" / "organism"


def test_a_page_is_written_by_a_process_and_refused_a_second_time(process, tmp_path):
    words = ("bundle", EVIDENCE, EVIDENCE / "evidence.md", "--out", tmp_path / "page", "--json")
    done = process(*words)
    assert done.status == 0, done.err
    data = json.loads(done.out)
    assert [part["kind"] for part in data["parts"]] == ["evidence", "evidence"]
    assert data["bytes"] == Path(data["page"]).stat().st_size
    again = process(*words)
    assert (again.status, again.out) == (2, "")
    assert "expected a new folder" in again.err
    assert len(again.err.splitlines()) == 1


def test_files_that_are_none_are_refused_and_force_replaces(command, tmp_path):
    refused = command("bundle", tmp_path / "none.json", "--out", tmp_path / "page")
    assert refused.status == 2
    assert "check the name" in refused.err
    assert not (tmp_path / "page").exists()
    assert command("bundle", EVIDENCE, "--out", tmp_path / "page").status == 0
    done = command("bundle", EVIDENCE, "--out", tmp_path / "page", "--force")
    assert done.status == 0
    assert done.out.endswith("index.html\n")
