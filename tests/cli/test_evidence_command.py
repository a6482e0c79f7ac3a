"""python -m playground evidence: the folder it writes, what it prints and refuses, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal

import pytest

from playground.cli import evidence as command_module
from playground.services.evidence.request import SIZES, STAGES


def test_the_options_are_the_stages_and_sizes_of_the_service():
    assert (command_module.STAGES, command_module.SIZES) == (STAGES, SIZES)


def test_one_stage_of_a_model_as_json_and_again_without_work(command, tmp_path):
    words = ("evidence", "--out", tmp_path / "out", "--size", "small", "--only", "steered", "--json")
    first = command(*words)
    assert first.status == 0, first.err
    data = json.loads(first.out)
    assert (data["ran"], data["finished"]) == (["steered"], ["steered"])
    verdicts = {one["stage"]: one["verdict"] for one in data["findings"]}
    assert verdicts["steered"] != "not run" == verdicts["melbo"]
    assert (tmp_path / "out" / "evidence.md").read_text(encoding="utf-8").startswith("# Evidence on organism\n")
    again = json.loads(command(*words).out)
    assert again == data | {"ran": []}


def test_a_file_in_the_place_of_the_folder_and_other_stages_are_refused(command, tmp_path):
    (tmp_path / "file").write_text("x")
    refused = command("evidence", "--out", tmp_path / "file")
    assert (refused.status, refused.out) == (2, "")
    assert "expected a folder after --out" in refused.err
    assert command("evidence", "--out", tmp_path, "--only", "all").status == 2


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_with_the_stages_that_are_finished(command, tmp_path, monkeypatch):
    shown = []

    def interrupted(self, text):
        shown.append(text)
        if len([one for one in shown if one.startswith("choices")]) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command_module.Progress, "show", interrupted)
    run = command("evidence", "--out", tmp_path / "out", "--size", "small", "--only", "choices")
    assert run.status == 130
    assert "holds the stages that are finished" in run.err
    assert not (tmp_path / "out" / "choices.json").exists()
    assert (tmp_path / "out" / "evidence.md").exists()
