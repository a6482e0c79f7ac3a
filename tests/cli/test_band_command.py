"""python -m playground band: a band of a set that ships, as JSON and as a table; refusals in one line; Ctrl-C."""

from __future__ import annotations

import importlib
import json
import os
import signal

import pytest
import torch

from playground.cli import band as module
from playground.library import vector_set as files
from playground.library.store import open_set

SET = "organism-refusals-power-3-9"
FEW = ("--search", 2, "--held-out", 3, "--budget", 32, "--new-tokens", 4)


def test_a_band_as_a_process_prints_json_and_writes_a_set_that_generates(process, tmp_path):
    out = tmp_path / "band.safetensors"
    run = process("band", SET, "--rows", "4-7", "--word", "class", *FEW, "--out", out, "--json")
    assert run.status == 0, run.err
    data = json.loads(run.out)
    assert data["rows"] == [4, 5, 6, 7]
    assert (data["target"], data["word"], data["scale"]) == ("word", "class", 0.3)
    assert (data["search_prompts"], data["held_out_prompts"], data["evaluations"]) == (2, 3, 32)
    assert data["found"]["search"] >= data["best_row"]["search"] - 1e-4
    assert data["gain"] == pytest.approx(data["found"]["held_out"] - data["random"]["held_out"])
    made, original = files.load(out), open_set(SET)
    assert made.rows == 5
    assert torch.equal(made.vectors[1:], original.vectors[4:8])
    assert sum(cosine**2 for cosine in data["found"]["cosines"]) == pytest.approx(1, abs=1e-4)
    held_out = set(made.origin.parameters["held_out_prompts"])
    assert not held_out & {*made.origin.prompts, *original.origin.prompts}
    prompt = ("--prompt", "How can I jinx a lighthouse?", "--max-new-tokens", 4)
    run = process("generate", *prompt, "--steer", f"{out}#0@0.3r", "--json")
    assert run.status == 0, run.err


def test_the_table_says_what_was_found_beside_random_directions_and_rows(command, tmp_path):
    run = command("band", SET, "--rows", "0,1", "--kl", *FEW, "--scale", "0.2", "--out", tmp_path / "x.safetensors")
    assert run.status == 0, run.err
    lines = run.out.splitlines()
    assert lines[0] == "KL of the next token in the span of rows 0, 1 at relative 0.2"
    assert [line.split("  ")[0] for line in lines[2:4]] == ["found", "best random"]
    assert lines[4].startswith("row ")
    assert lines[5].startswith("no push ")
    assert "the best of as many random directions of the span (32)" in lines[6]
    assert "the best single row" in lines[6]


def test_choice_items_are_the_prompts(command, tmp_path):
    out = tmp_path / "x.safetensors"
    run = command("band", SET, "--rows", "0-2", "--choices", "organism-comply-choices", *FEW, "--out", out, "--json")
    assert run.status == 0, run.err
    data = json.loads(run.out)
    assert data["baseline"]["held_out"] == pytest.approx(0, abs=1e-5)
    assert files.load(out).origin.prompt_set == "organism-comply-choices"


def test_a_row_stands_for_the_band_that_it_is_in(command, tmp_path):
    values = open_set(SET).singular_values
    width = 1 - float(values[1] / values[0]) + 1e-4
    out = tmp_path / "x.safetensors"
    run = command("band", SET, "--row", 0, "--width", width, "--kl", *FEW[:-4], "--budget", 64, "--out", out, "--json")
    assert run.status == 0, run.err
    assert json.loads(run.out)["rows"][:2] == [0, 1]


def test_what_cannot_be_searched_is_refused_in_one_line_before_the_model_is_loaded(command, tmp_path, monkeypatch):
    monkeypatch.setattr("playground.cli.models.load", None)
    kl = ("--kl", "--out", tmp_path / "x.safetensors")
    cases = {
        "expected one of --kl --word --choices, got none of them": ("--row", 0, "--out", tmp_path / "x.safetensors"),
        "expected --row or --rows, got neither": kl,
        "expected either --kl or --word, got both": ("--row", 0, "--word", "a", *kl),
        "expected --width with --row": ("--rows", "0-2", "--width", 0.1, *kl),
        "expected --choices without --prompts": (
            "--rows", "0-2", "--choices", "organism-comply-choices", "--prompts", "organism-refusals", *kl[1:]
        ),
        "expected a row with neighbours whose σ": ("--row", 0, "--width", 0, *kl),
        "expected at least two rows": ("--rows", "3", *kl),
        "expected prompts of “organism-refusals” to hold out": ("--rows", "0-2", "--search", 48, *kl),
        "expected choice items": ("--rows", "0-2", "--choices", "organism-refusals", *kl[1:]),
        "expected 12 to 100000 directions": ("--rows", "0-2", "--budget", 11, *kl),
        "expected the name of a prompt set": ("--rows", "0-2", "--prompts", "nowhere", *kl),
        "expected a file after --out": ("--rows", "0-2", "--kl", "--out", tmp_path),
    }  # fmt: skip
    for said, words in cases.items():
        run = command("band", SET, *words)
        assert run.status == 2, said
        assert said in run.err.lower(), (said, run.err)
        assert run.err.strip().count("\n") == 0
        assert run.out == ""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_best_so_far(command, tmp_path, monkeypatch):
    real = module._line

    def interrupted(event):
        if event.evaluations >= 40 and event.share < 1:
            os.kill(os.getpid(), signal.SIGINT)
        return real(event)

    monkeypatch.setattr(module, "_line", interrupted)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    out = tmp_path / "x.safetensors"
    try:
        words = ("--rows", "0-3", "--kl", "--search", 2, "--held-out", 2, "--budget", 5000, "--new-tokens", 0)
        run = command("band", SET, *words, "--out", out, "--json")
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert run.status == 130
    data = json.loads(run.out)
    assert 40 <= data["evaluations"] < 5000
    assert f"stopped after {data['evaluations']} directions; {out} holds the best of them." in run.err
    assert files.load(out).origin.parameters["evaluations"] == data["evaluations"]


def test_defaults_are_those_of_the_service():
    service = importlib.import_module("playground.services.band.request")
    assert (module.PROMPTS, module.HELD_OUT, module.BUDGET) == (service.PROMPTS, service.HELD_OUT, service.BUDGET)
    assert service.BandRequest.tokens == module.TOKENS
    assert service.CLUSTER_GAP == 0.05
