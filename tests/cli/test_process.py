"""The command line as a process: output, exit status, Ctrl-C, and that the page's command repeats the page's run."""

from __future__ import annotations

import json
import os
import shlex
import sys

import pytest

from playground.library import vector_set
from playground.library.recipe import parse
from playground.library.store import Store
from playground.model.generation.sampling import Sampling
from playground.model.prompting import PromptFormat
from playground.services.command import find_command, generate_command
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate

posix = pytest.mark.skipif(os.name != "posix", reason="signals and shells of POSIX")
PROMPT = "How do I bake\n'a loaf' of \"bread\"? $HOME `x` \\ -- ünïcode 🙂"


@pytest.fixture
def shell(process, tmp_path):
    """What a user does who copies a command into a shell in which `python` is this one."""
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "python"
    link.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    link.chmod(0o755)

    def run(line: str, **changes: str):
        path = f"{link.parent}{os.pathsep}{os.environ['PATH']}"
        return process(line, program=("sh", "-c"), folder=tmp_path, PATH=path, **changes)

    return run


def test_the_page_s_commands_find_the_same_vectors_and_generate_the_same_tokens(tiny, tmp_path, shell):
    """Bit for bit, through a real shell, for a prompt with everything that shells trip over."""
    loaded, store = tiny("qwen3"), Store(tmp_path / "vectors")
    asked = find_request(
        method="power",
        prompts=(PROMPT, "-5 degrees"),
        source=0,
        target=2,
        vectors=3,
        seed=11,
        target_tokens=1,
        format=PromptFormat(system="--be 'brief'"),
    )
    here = find(loaded, asked).vector_set
    store.save(here, "here")
    done = shell(find_command(asked, loaded, "there.safetensors") + " --json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["converged"] is True
    there = vector_set.load(tmp_path / "there.safetensors")
    assert (there.vectors - here.vectors).abs().max() == 0
    assert there.origin.prompts == here.origin.prompts
    assert there.origin.prompt_hash == here.origin.prompt_hash
    assert there.origin.system == here.origin.system

    wanted = GenerateRequest(
        prompts=(PROMPT,),
        format=asked.format,
        recipes=(parse("here#0@12.345678901"), parse("here#1@-9,here#mean:0-2@3")),
        positions="generated",
        sampling=Sampling(max_new_tokens=6, temperature=0.7, top_p=0.9, seed=2),
        samples=2,
    )
    rows = generate(loaded, wanted, store.load).rows
    done = shell(generate_command(wanted, loaded) + " --json", PLAYGROUND_VECTORS=str(store.folder))
    assert done.status == 0, done.err
    repeated = json.loads(done.out)["rows"]
    assert [tuple(row["token_ids"]) for row in repeated] == [row.token_ids for row in rows]
    assert [row["recipe"] for row in repeated] == [row.recipe for row in rows]
    assert [row["text"] for row in repeated] == [row.text for row in rows]


def test_help_is_answered_within_a_second_of_work(process):
    before = os.times()
    assert process("find", "--help").status == 0
    after = os.times()
    # Time on the processor, since a busy machine can make anything last.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1.0


def test_an_error_is_one_line_without_a_traceback(process, tmp_path):
    run = process("generate", "--prompt", "Hi", "--steer", "nothing#0@1", "--json", folder=tmp_path)
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("playground: expected")
    assert run.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_reader_that_leaves_early_is_no_error(process, tiny_path):
    line = f"{shlex.quote(sys.executable)} -m playground generate --model {tiny_path('qwen3')} --prompt Hi | true"
    run = process(line, program=("sh", "-c"))
    # A slow run also tells how far it is; nothing else may be said.
    told = [line for line in run.err.splitlines() if not line.startswith("token ")]
    assert (run.status, told) == (0, [])
