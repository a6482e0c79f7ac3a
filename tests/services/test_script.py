"""The script that needs nothing of ours prints the tokens that we print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from playground.library.recipe import Component, Recipe, parse
from playground.library.store import Store
from playground.model.generation.generate import Sampling
from playground.model.load import ORGANISM, load
from playground.model.prompting import PromptFormat
from playground.places import SHIPPED_VECTORS
from playground.services.command import generate_command
from playground.services.generate import GenerateRequest, generate
from playground.services.script import transformers_script
from tests.model.adapters import adapter_of

SETS = Store(SHIPPED_VECTORS)
NAME = "organism-refusals-power-3-9"
STEERED = Recipe((Component(NAME, row=3, amount=-17.995), Component(NAME, mean=(0, 3), amount=0.2)))
HELD = parse(f"{NAME}#span:0-3@ablate:2-5,{NAME}#3@cap=-0.2r,{NAME}#3@-8:4")
REQUESTS = {
    "greedy": GenerateRequest(prompts=("How can I jinx a lighthouse?",), recipes=(STEERED,)),
    "prompt": GenerateRequest(prompts=("What is 47 + 38?",), recipes=(STEERED,), positions="prompt"),
    "last": GenerateRequest(prompts=("What is 47 + 38?",), recipes=(STEERED,), positions="last"),
    "first": GenerateRequest(prompts=("How do I build a kite?",), recipes=(STEERED,), positions="first-3"),
    "generated": GenerateRequest(prompts=("How do I build a kite?",), recipes=(STEERED,), positions="generated"),
    "sampled": GenerateRequest(
        prompts=("How do I build a kite?",),
        format=PromptFormat(system="You are kind."),
        recipes=(STEERED, STEERED.negated()),
        sampling=Sampling(max_new_tokens=30, temperature=0.9, top_p=0.9, seed=5),
        samples=2,
    ),
    "raw": GenerateRequest(prompts=('A \\ kite """ <SEED>\n',), format=PromptFormat(chat=False), recipes=(STEERED,)),
    "held": GenerateRequest(
        prompts=("How can I jinx a lighthouse?",), recipes=(HELD,), sampling=Sampling(max_new_tokens=20)
    ),
    "baseline": GenerateRequest(prompts=("How do I build a kite?",), sampling=Sampling(max_new_tokens=20)),
}


@pytest.fixture(scope="module")
def organism():
    return load(device="cpu")


def run(script: str, folder: Path, model: Path) -> list[list[int]]:
    """The tokens that the script prints, in a process where the playground is not to be found."""
    path = folder / "steered.py"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", path.name, str(model)], cwd=folder, capture_output=True, text=True, check=True
    )
    return [json.loads(found) for found in re.findall(r"^tokens (\[.*\])$", done.stdout, re.M)]


def ours(loaded, request) -> list[list[int]]:
    """The tokens of the baseline and of the first recipe."""
    rows = generate(loaded, request, SETS.load).rows
    return [list(row.token_ids) for row in rows[: request.samples * (1 + bool(request.recipes))]]


@pytest.mark.parametrize("kind", REQUESTS)
def test_the_script_writes_the_same_tokens(kind, organism):
    request = REQUESTS[kind]
    script = transformers_script(organism, request, SETS.load, generate_command(request, organism))
    assert "playground" not in re.sub('^""".*?^"""', "", script, flags=re.S | re.M).replace(
        "in a checkout of the playground", ""
    )
    made: dict = {"__name__": "steered"}
    exec(compile(script, "steered.py", "exec"), made)
    model, tokenizer = made["load"](str(ORGANISM))
    sides = ({}, made["steering"]()) if request.recipes else ({},)
    written = [made["write"](model, tokenizer, side, n) for side in sides for n in range(request.samples)]
    assert written == ours(organism, request)


def test_the_script_runs_as_a_process_without_the_playground(organism, tmp_path):
    request = REQUESTS["generated"]
    script = transformers_script(organism, request, SETS.load, generate_command(request, organism))
    assert run(script, tmp_path, ORGANISM) == ours(organism, request)


def test_a_script_names_no_folder_of_this_machine(organism):
    script = transformers_script(organism, REQUESTS["greedy"], SETS.load)
    assert str(ORGANISM.parent) not in script
    assert "MODEL = 'assets/organism'" in script


def test_a_script_merges_the_adapter(tmp_path, monkeypatch, organism):
    folder = adapter_of(ORGANISM, tmp_path / "pirate", r=2, target_modules=["q_proj", "o_proj"])
    loaded = load(device="cpu", adapter=folder)
    request = REQUESTS["greedy"]
    script = transformers_script(loaded, request, SETS.load)
    assert str(tmp_path) not in script
    monkeypatch.chdir(tmp_path)
    made: dict = {"__name__": "steered"}
    exec(compile(script, "steered.py", "exec"), made)
    model, tokenizer = made["load"](str(ORGANISM))
    written = made["write"](model, tokenizer, {}, 0)
    assert written == ours(loaded, request)[0] != ours(organism, request)[0]
