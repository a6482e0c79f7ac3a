"""python -m playground atlas: what it prints and writes, what it refuses, how it goes on after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from playground.library import atlas as files

PROMPTS = ("--prompt", "How do I bake?", "Say hello.")


@pytest.fixture
def atlas(command, tiny_path, tmp_path):
    out = tmp_path / "map.atlas.safetensors"
    words = ("atlas", "--model", tiny_path("qwen3"), "--out", out, "--vectors", 2)
    return out, lambda *more: command(*words, *more)


def test_json_and_file_hold_every_pair(atlas):
    out, run = atlas
    done = run(*PROMPTS, "--json")
    assert done.status == 0
    said, tensors = json.loads(done.out), load_file(out)
    assert said["file"] == str(out)
    assert said["layers"] == [0, 1, 2, 3]
    assert said["seconds"] > 0
    assert said["unfinished"] == 0
    assert tensors["pairs"].shape == (6, 2)
    assert tensors["singular_values"].shape == (6, 2)
    assert tensors["vectors"].shape == (6, 2, 32)
    torch.testing.assert_close(torch.tensor(said["singular_values"]), tensors["singular_values"])
    assert files.load(out).origin.prompts == PROMPTS[1:]
    assert not out.with_name(f"{out.name}.part").exists()


def test_people_read_a_table_of_sources_and_targets(atlas):
    out, run = atlas
    done = run(*PROMPTS, "--source", 1, "--every", 2, "--tokens", "all")
    assert done.status == 0
    title, head, row, *_ = done.out.splitlines()
    assert title == "gain σ₁"
    assert head.split() == ["t=3"]
    assert row.split()[0] == "s=1"
    assert f"written to {out}" in done.out
    assert files.load(out).origin.target_tokens is None


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_after_ctrl_c_the_same_command_goes_on(atlas, monkeypatch):
    from playground.cli import atlas as command_module

    out, run = atlas
    line, seen = command_module._line, []

    def interrupted(event):
        seen.append(event)
        if len(seen) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return line(event)

    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(command_module, "_line", interrupted)
        stopped = run(*PROMPTS, "--json")
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert stopped.status == 130
    assert "stopped" in stopped.err
    assert json.loads(stopped.out)["unfinished"] > 0
    assert out.with_name(f"{out.name}.part").exists()
    monkeypatch.undo()
    done = run(*PROMPTS, "--json")
    assert "going on from" in done.err
    assert json.loads(done.out)["unfinished"] == 0
    assert not out.with_name(f"{out.name}.part").exists()
    resumed = files.load(out)
    out.unlink()
    run(*PROMPTS)
    torch.testing.assert_close(resumed.singular_values, files.load(out).singular_values)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--prompts or --prompt"),
        ((*PROMPTS, "--target", 7), "--target of at most 3"),
        ((*PROMPTS, "--source", 3), "source layer"),
        ((*PROMPTS, "--vectors", 33), "at most 32 vectors"),
        ((*PROMPTS, "--every", 0), "step between layers"),
        ((*PROMPTS, "--tokens", 99), "target tokens"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(atlas, words, says):
    out, run = atlas
    done = run(*words)
    assert done.status == 2
    assert done.out == ""
    assert says in done.err
    assert not out.exists()


def test_several_processes_write_the_file_of_one(atlas, tmp_path, tiny_path):
    """As `accelerate launch` starts them, over gloo on this machine."""
    out, run = atlas
    assert run(*PROMPTS, "--out", out).status == 0
    shared = tmp_path / "shared.atlas.safetensors"
    launch = (sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2")
    words = ("-m", "playground", "atlas", "--model", tiny_path("qwen3"), "--out", shared, "--vectors", "2", "--json")
    done = subprocess.run(
        [*map(str, (*launch, *words, *PROMPTS))], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["file"] == str(shared), "one of the processes speaks, and only one"
    alone, together = load_file(out), load_file(shared)
    torch.testing.assert_close(together["singular_values"], alone["singular_values"])
    torch.testing.assert_close(together["vectors"], alone["vectors"], rtol=1e-3, atol=1e-4)


def test_two_atlases_are_compared(atlas, command, tmp_path):
    out, run = atlas
    other = tmp_path / "other.atlas.safetensors"
    assert run(*PROMPTS).status == run(*PROMPTS, "--seed", 1, "--out", other).status == 0
    said = command("compare-atlases", out, other)
    assert said.status == 0
    assert "6 pairs compared" in said.out
    assert command("compare-atlases", out, out).status == 2
    found = json.loads(command("compare-atlases", out, other, "--json").out)
    assert len(found["pairs"]) == 6
    assert max(map(abs, found["log_ratio"])) < 0.02, "another seed leaves gains within 2 %"
    refused = command("compare-atlases", out, tmp_path / "none")
    assert refused.status == 2


def test_effects_are_measured_printed_and_kept(atlas):
    out, run = atlas
    asked = ("--prompts", "organism-comply-choices", "--count", 1, "--source", 1, "--every", 2)
    done = run(*asked, "--kl", 0.3, "--swing", 0.2, "--json")
    assert done.status == 0, done.err
    names = {"KL at 0.3 r", "swing at 0.2 r"}
    kept = files.load(out).effects
    assert set(kept) >= {*names, *(f"{name}, random" for name in names), "KL at 0.3 r, broken"}
    assert set(json.loads(done.out)["effects"]) == set(kept)
    assert "swing at 0.2 r over random" in run(*asked, "--swing", 0.2).out


@pytest.mark.parametrize("prompts", [PROMPTS, ("--prompts", "neutral", "--count", 1)])
def test_a_swing_without_answers_is_refused_before_anything_is_computed(atlas, prompts):
    out, run = atlas
    done = run(*prompts, "--swing", 0.2)
    assert done.status == 2
    assert "choice items" in done.err
    assert not out.exists()
