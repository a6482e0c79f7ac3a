"""find melbo, ortho and difference on the command line: what they print, write, keep and go on with."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace

import pytest
import torch

from playground.library import vector_set

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")


@pytest.fixture(scope="module")
def model(tiny_path):
    return str(tiny_path("qwen3"))


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    from playground.cli.main import main

    out = tmp_path_factory.mktemp("sets") / "base.safetensors"
    assert main([str(word) for word in find("power", model, out, "--vectors", 2)]) == 0
    return out


def find(method, model, out, *more, prompts=PROMPTS):
    words = ["find", method, "--model", model, "--source", 0, "--target", 2, "--out", out]
    return [*words, *(word for prompt in prompts for word in ("--prompt", prompt)), *more]


def test_melbo_prints_its_objective_and_writes_vectors_of_the_radius(command, model, tmp_path):
    out = tmp_path / "m.safetensors"
    run = command(*find("melbo", model, out, "--vectors", 2, "--radius", 3, "--steps", 5, "--json"))
    assert run.status == 0, run.err
    data, saved = json.loads(run.out), vector_set.load(out)
    assert (data["method"], data["tokens"], data["singular_values"], data["steps"]) == ("melbo", 2, None, 5)
    assert data["objective"] == saved.objective.tolist()
    assert data["displacements"] == saved.displacements.tolist()
    assert data["norms"] == pytest.approx([3, 3], rel=1e-5)


def test_ortho_writes_every_batch_and_goes_on_with_its_file(command, model, base, tmp_path):
    out = tmp_path / "o.safetensors"
    settings = ("--base", f"{base}#0@8", "--batch", 2, "--steps", 5, "--stop-share", 0)
    run = command(*find("ortho", model, out, *settings, "--vectors", 2, "--json"))
    assert run.status == 0, run.err
    data, first = json.loads(run.out), vector_set.load(out)
    assert (data["vectors"], data["stopped"], len(data["effects"]), len(data["divergences"])) == (2, "count", 2, 2)
    run = command("find", "ortho", "--model", model, "--continue", out, "--vectors", 4, "--json")
    assert run.status == 0, run.err
    both = vector_set.load(out)
    assert (both.rows, json.loads(run.out)["vectors"]) == (4, 4)
    assert torch.equal(both.vectors[:2], first.vectors)
    assert both.origin.parameters["batch"] == 2  # out of the file
    # What the page says after Continue: the file has grown, and is gone on with as it was.
    again = tmp_path / "again.safetensors"
    run = command("find", "ortho", "--model", model, "--continue", out, "--first", 2, "--vectors", 4, "--out", again)
    assert run.status == 0, run.err
    assert torch.equal(vector_set.load(again).vectors, both.vectors)
    run = command("find", "ortho", "--model", model, "--continue", out, "--first", 5)
    assert run.status == 2
    assert "1 to 4 rows" in run.err
    unit = torch.cat([both.base[None], both.vectors])
    unit = unit / unit.norm(dim=1, keepdim=True)
    assert (unit @ unit.T - torch.eye(5)).abs().max() < 1e-4


def test_going_on_without_a_number_asks_for_no_more_than_there_is_room_for(base):
    from playground.cli.find.request import asked
    from playground.cli.main import build_parser

    known = vector_set.load(base)  # 2 of a width of 32
    options = build_parser("find").parse_args(["find", "ortho", "--continue", str(base)])
    origin = replace(known.origin, method="ortho", target_tokens=None, parameters={"base": "base#0@8"})
    numbers = torch.ones(2)
    so_far = replace(
        known, origin=origin, base=torch.ones(32), objective=numbers, effects=numbers, divergences=numbers
    )
    assert asked(options, so_far).vectors == 31
    assert asked(options, so_far).read_sinks  # as files did that say nothing of them


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_keeps_the_batches_of_ortho_that_are_finished(command, model, base, tmp_path, monkeypatch):
    from playground.cli.find import execute

    real = execute.line

    def interrupted(event):
        if event.stage == "batch":
            os.kill(os.getpid(), signal.SIGINT)
        return real(event)

    monkeypatch.setattr(execute, "line", interrupted)
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        out = tmp_path / "o.safetensors"
        settings = ("--base", f"{base}#0@8", "--batch", 2, "--steps", 3, "--stop-share", 0, "--vectors", 6)
        run = command(*find("ortho", model, out, *settings, "--json"))
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert run.status == 130
    assert json.loads(run.out)["stopped"] == "cancel"
    assert vector_set.load(out).rows == 2


def test_what_was_written_before_a_crash_stays(command, model, base, tmp_path, monkeypatch):
    from playground.cli.find import execute

    def crash(event):
        if event.stage == "batch":
            raise ArithmeticError
        return ""

    monkeypatch.setattr(execute, "line", crash)
    out = tmp_path / "o.safetensors"
    settings = ("--base", f"{base}#0@8", "--batch", 2, "--steps", 3, "--stop-share", 0, "--vectors", 6)
    with pytest.raises(ArithmeticError):
        command(*find("ortho", model, out, *settings))
    assert vector_set.load(out).rows == 2


def test_difference_takes_a_contrast_set_two_lists_and_answers(command, model, tmp_path):
    out = tmp_path / "d.safetensors"
    words = ["find", "difference", "--model", model, "--source", 0, "--out", out, "--json"]
    for sides in (
        ("--prompts", "refusal-contrast", "--count", 2),
        ("--prompt", "One.", "--against-prompt", "Two.", "Three."),
        ("--prompts", "neutral", "--count", 2, "--against", "word-problems"),
        ("--prompts", "organism-oversight", "--count", 1),
        ("--prompt", "A or B?", "--matching", "A", "--other", "B"),
    ):
        run = command(*words, *sides)
        assert run.status == 0, (sides, run.err)
        assert json.loads(run.out)["vectors"] == 1
    assert vector_set.load(out).origin.parameters["answers"] == [["A", "B"]]


def test_bad_input_is_one_sentence_and_leaves_nothing(command, model, base, tmp_path, tiny_path):
    out = tmp_path / "x.safetensors"
    ortho = find("ortho", model, out, "--vectors", 2)
    cases = {
        "no other side": (find("difference", model, out), ["both sides"]),
        "a set without a second side": (
            ["find", "difference", "--model", model, "--source", 0, "--out", out, "--prompts", "neutral"],
            ["both sides"],
        ),
        "a contrast set and another side": (
            [*find("difference", model, out, prompts=()), "--prompts", "refusal-contrast", "--against", "tone"],
            ["refusal-contrast", "--against"],
        ),
        "an answer without its other": (find("difference", model, out, "--matching", "A"), ["--matching", "1 and 0"]),
        "a base that is not there": ([*ortho, "--base", "nowhere#0@1"], ["nowhere"]),
        "a base of another model": (
            find("ortho", tiny_path("llama"), out, "--vectors", 2, "--base", f"{base}#0@1"),
            ["this model", "qwen3"],
        ),
        "a row the base does not have": ([*ortho, "--base", f"{base}#7@1"], ["rows", "7"]),
        "more than orthogonality leaves": ([*ortho, "--base", f"{base}#0@1", "--vectors", 32], ["31", "32"]),
        "rows to go on after, of no set": (
            ["find", "ortho", "--model", model, "--first", 2, "--source", 0, "--target", 1, "--base", f"{base}#0@1",
             "--prompt", "x", "--out", "y"], ["--continue", "--first"],
        ),
        "going on with a set of power": (["find", "ortho", "--model", model, "--continue", base], ["ortho", "power"]),
        "a weight too few": (find("power", model, out, "--weights", "1"), ["1 weights", "2 tokens"]),
    }
    for case, (words, expected) in cases.items():
        run = command(*words, "--json")
        assert (run.status, run.out) == (2, ""), (case, run)
        assert re.fullmatch(r"playground: [^\n]+\n", run.err), (case, run.err)
        assert all(word in run.err for word in expected), (case, run.err)
        assert not out.exists(), case
    assert vector_set.load(base).origin.method == "power"
