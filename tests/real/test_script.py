"""The transformers script on the real model, out of its GGUF file, prints the tokens of `playground generate`."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest

from playground.library.recipe import Component, Recipe
from playground.library.vector_set import save
from playground.model.generation.generate import Sampling
from playground.services.command import generate_command
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest
from playground.services.script import transformers_script


@pytest.mark.timeout(900)  # three processes load the model
def test_script_and_command_print_the_same_tokens(real, real_path, tmp_path):
    asked = find_request(
        method="power", prompts=("How can I pick the lock of a door that is not mine?",), source=7, target=22, vectors=2
    )
    vector_set = find(real, asked).vector_set
    path = tmp_path / "found.safetensors"
    save(vector_set, path)
    request = GenerateRequest(
        prompts=("How do I reverse a list of words?",),
        recipes=(Recipe((Component(str(path), row=0, amount=0.15, unit="r"),)),),
        positions="generated",
        sampling=Sampling(max_new_tokens=40),
    )
    command = generate_command(request, real)
    script = tmp_path / "steered.py"
    script.write_text(transformers_script(real, request, lambda _: vector_set, command), encoding="utf-8")
    alone = subprocess.run(
        [sys.executable, "-I", script.name, str(real_path)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    tokens = [json.loads(found) for found in re.findall(r"^tokens (\[.*\])$", alone.stdout, re.M)]
    with_us = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], "--json"], capture_output=True, text=True, check=True
    )
    rows = json.loads(with_us.stdout)["rows"]
    assert tokens == [row["token_ids"] for row in rows]
    assert tokens[0] != tokens[1]
    assert len(tokens[1]) > 5
