"""python -m playground calibrate: found scales and linear radii go into the set's file, and Ctrl-C keeps some."""

from __future__ import annotations

import json
import os
import shlex
import signal
from dataclasses import replace

import pytest
import torch

from playground.cli.main import build_parser
from playground.library import vector_set
from playground.services.command import radius_command, scales_command
from playground.services.linearity import LinearityRequest, linearity
from playground.services.scales import find_scales
from playground.services.scales import run as scale_run

PROMPT = "How do I bake a loaf of bread?"


@pytest.fixture(scope="module")
def model(tiny_path):
    return tiny_path("qwen3")


@pytest.fixture
def file(command, model, tmp_path):
    path = tmp_path / "found.safetensors"
    words = ("find", "power", "--model", model, "--prompt", PROMPT, "--source", 1, "--target", 2, "--vectors", 3)
    assert command(*words, "--no-scales", "--out", path).status == 0
    return path


def test_scales_and_radii_are_those_of_the_services_and_go_into_the_file(command, tiny, model, file):
    before = vector_set.load(file)
    run = command("calibrate", "--vectors", file, "--model", model, "--json")
    assert run.status == 0, run.err
    data, after = json.loads(run.out), vector_set.load(file)
    loaded = tiny("qwen3")
    expected = find_scales(loaded, before)
    assert [after.window(row, sign) for row in range(3) for sign in (1, -1)] == [
        expected.window(row, sign) for row in range(3) for sign in (1, -1)
    ]
    found = linearity(loaded, LinearityRequest(source_set=before))
    torch.testing.assert_close(after.linear_radii, found.linear_radius, rtol=1e-3, atol=1e-6)
    assert (data["rows"], data["file"]) == ([0, 1, 2], str(file))
    assert [(item["row"], item["sign"]) for item in data["scales"]] == [(r, s) for r in range(3) for s in (1, -1)]
    for item in data["scales"]:
        window = after.window(item["row"], item["sign"])
        assert (item["onset"], item["break"], item["found"]) == (window.onset, window.break_, window.found)
    assert data["linear_radii"] == after.linear_radii.tolist()
    assert torch.equal(after.vectors, before.vectors)


def test_some_rows_and_one_of_both_into_another_file(command, model, file, tmp_path):
    out = tmp_path / "out.safetensors"
    words = ("calibrate", "--vectors", file, "--model", model, "--rows", "2", "--what", "radii", "--out", out)
    run = command(*words)
    assert run.status == 0, run.err
    assert run.out.splitlines()[1].split() == ["row", "radius", "+", "radius", "−"]
    after = vector_set.load(out)
    assert (after.found_scales, after.linear_radii[:2].any().item()) == (None, False)
    assert after.linear_radii[2].any()
    assert vector_set.load(file).linear_radii is None


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_scales_of_the_rows_before_it(command, model, file, monkeypatch):
    monkeypatch.setattr(scale_run, "BLOCK", 1)
    from playground.cli.terminal import Progress

    real, shown = Progress.show, []

    def interrupted(self, text):
        shown.append(text)
        if text.startswith("scales · 67%"):
            os.kill(os.getpid(), signal.SIGINT)
        real(self, text)

    monkeypatch.setattr(Progress, "show", interrupted)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = command("calibrate", "--vectors", file, "--model", model)
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert run.status == 130
    assert "holds what there is" in run.err
    after = vector_set.load(file)
    assert all(after.window(row, sign) is not None for row in (0, 1) for sign in (1, -1))
    assert after.window(2, 1) is None
    assert after.linear_radii is None


def test_what_the_page_says_is_read_as_it_was_done(tiny):
    loaded = replace(tiny("qwen3"), name="models/tiny")
    given = build_parser("calibrate").parse_args(shlex.split(scales_command("-mine", loaded))[3:])
    assert (given.vectors, given.what, given.rows) == ("-mine", "scales", "all")
    given = build_parser("calibrate").parse_args(shlex.split(radius_command("mine", loaded, 7, 3))[3:])
    assert (given.vectors, given.what, given.rows, given.target) == ("mine", "radii", "7", 3)
    assert given.model == "models/tiny"
    assert "--target" not in radius_command("mine", loaded, 7, None)


def test_on_another_model_it_warns(command, file, tiny_path, tmp_path):
    words = ("calibrate", "--vectors", file, "--model", tiny_path("gemma3"), "--rows", "0", "--what", "scales")
    run = command(*words, "--out", tmp_path / "out.safetensors")
    assert run.status == 0, run.err
    assert "warning: “found” was made on" in run.err


def test_bad_input_is_one_sentence_and_changes_nothing(command, model, file):
    before = file.read_bytes()
    for words, said in (
        (("--rows", "7"), "0 to 2"),
        (("--texts-on", "0"), "from 1 to 16"),
        (("--what", "all"), "both, scales or radii"),
        (("--vectors", "nowhere"), "nowhere"),
    ):
        given = {"--vectors": file, "--model": model} | {words[0]: words[1]}
        run = command("calibrate", *[word for pair in given.items() for word in pair], "--json")
        assert (run.status, run.out) == (2, ""), run
        assert said in run.err
        assert len(run.err.splitlines()) == 1
    assert file.read_bytes() == before
