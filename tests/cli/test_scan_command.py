"""python -m playground scan: what it prints and writes, what it refuses, what Ctrl-C keeps."""

from __future__ import annotations

import csv
import importlib
import json
import os
import signal

import pytest
import torch

from playground.library import vector_set
from playground.library.origin import Origin, RowNote, now
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.model.generation.batch import MOST_ROWS
from playground.services.scan import file

PROMPTS = ("--prompt", "How do I bake?", "Say hello.")


@pytest.fixture
def scan(command, tiny_path, tmp_path):
    origin = Origin(
        model="tiny", width=32, block_count=4, source=1, method="random", residual_norm=2.0, created=now()
    )
    vectors = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    notes = (RowNote(label="odd"), RowNote(star=True), RowNote(), RowNote())
    path = tmp_path / "a.safetensors"
    vector_set.save(VectorSet(vectors, origin, notes=notes), path)
    words = ("scan", "--model", tiny_path("qwen3"), "--vectors", path, "--max-new-tokens", 4)
    return lambda *more: command(*words, *more)


def test_json_is_the_scan_and_nothing_else(scan, tmp_path):
    done = scan(*PROMPTS, "--rows", "0,2", "--scales", "3,8", "--json", "--out", tmp_path / "scan.json")
    assert done.status == 0
    result = file.from_json(done.out)
    assert len(result.cells) == 2 * 2 * 2 * 2
    assert result == file.load(tmp_path / "scan.json")
    assert (result.request.rows, result.request.scales, result.request.unit) == ((0, 2), (3.0, 8.0), "r")
    assert json.loads(done.out)["notes"]["0"]["label"] == "odd"


def test_scales_that_are_left_open_suit_the_set(scan, tmp_path):
    def asked(*more):
        request = file.from_json(scan("--prompt", "Hi", "--rows", "0", *more, "--json").out).request
        return request.unit, request.scales

    assert asked() == ("r", (0.1, 0.2))
    path = tmp_path / "a.safetensors"
    window = ScaleWindow(1.0, None, 3.0, 8.0)
    vector_set.save(vector_set.load(path).with_windows({(0, 1): window}), path)
    assert asked() == ("f", (0.5, 1.0))
    assert asked("--unit", "r") == ("r", (0.1, 0.2))
    assert asked("--scales", "2") == ("r", (2.0,))
    assert asked("--scales", "2", "--unit", "f") == ("f", (2.0,))


def test_csv_and_the_text_for_people(scan, tmp_path):
    out = tmp_path / "scan.csv"
    done = scan(*PROMPTS, "--rows", "starred", "--signs", "minus", "--scales", "3", "--unit", "a", "--out", out)
    assert done.status == 0
    assert "2 texts in" in done.out
    assert f"written to {out}" in done.out
    lines = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [(line["vector"], line["sign"], line["norm"]) for line in lines[2:]] == [("1", "-1", "3")] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rows", "0-9"), "expected vectors of a from 0 to 3, got 9"),
        (("--rows", "some"), "expected vectors as all, starred, kept"),
        (("--scales", "a"), "expected scales as numbers, got 'a'"),
        (("--scales", ""), "expected scales after --scales, got none"),
        (("--unit", "a"), "expected --scales with --unit a, got none"),
        (("--unit", "n"), "expected unit: f, r or a, got 'n'"),
        (("--unit", "f"), "for scales in multiples of them, got none; run `python -m playground calibrate"),
        (("--scales=-1",), "expected scales above 0, got -1"),
        (("--signs", "up"), "expected signs: both, plus or minus, got 'up'"),
        (("--samples", "3"), "expected a temperature above 0 for 3 samples"),
        (("--out", "scan.txt"), "expected a file name that ends in .json or .csv"),
        (("--count", "3"), "expected --count with --prompts, got it with --prompt"),
        (("--samples", "64", "--temperature", "1", "--scales", ",".join(map(str, range(1, 33))), "--prompt",
          *map(str, range(20))), "expected at most 20000 texts in a scan"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(scan, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = scan(*PROMPTS, *words)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) in (["a.safetensors"], ["a.safetensors", "tiny"])


def test_a_set_for_another_model_is_refused(command, scan, tmp_path):
    done = command("scan", "--vectors", tmp_path / "a.safetensors", "--prompt", "Hi")
    assert done.status == 2
    assert "expected a set of width" in done.err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_texts_that_are_whole(scan, tmp_path, monkeypatch):
    module = importlib.import_module("playground.cli.scan")
    real = module._line

    def interrupted(event):
        if event.cells:
            os.kill(os.getpid(), signal.SIGINT)
        return real(event)

    monkeypatch.setattr(module, "_line", interrupted)
    monkeypatch.setitem(MOST_ROWS, "cpu", 6)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = scan(*PROMPTS, "--scales", "3", "--json", "--out", tmp_path / "scan.json")
    finally:
        assert signal.signal(signal.SIGINT, inherited) is signal.default_int_handler
    assert done.status == 130
    assert "stopped after 4 of 16 texts" in done.err
    kept = file.load(tmp_path / "scan.json")
    assert (kept.cancelled, len(kept.cells), len(kept.baselines)) == (True, 4, 2)
    assert file.from_json(done.out) == kept
