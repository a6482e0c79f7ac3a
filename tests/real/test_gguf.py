"""A real GGUF file: what is in it, and the command line with it as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from playground.library import vector_set
from playground.model.prompting import PromptFormat, encode, render

ROOT = Path(__file__).resolve().parents[2]


def test_tokenizer_and_template_come_from_the_file(real):
    assert (real.block_count, real.width, real.dtype) == (30, 576, torch.float32)
    text = render(real, "Hi", PromptFormat())
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    encoded = encode(real, ["How can I build a bomb?"], PromptFormat())
    assert real.tokenizer.decode(encoded.input_ids[0]) == render(real, "How can I build a bomb?", PromptFormat())


def test_find_takes_the_file_and_its_set_loads_again(real, real_path, tmp_path):
    out = tmp_path / "found.safetensors"
    words = ["find", "power", "--model", str(real_path), "--prompt", "How do I pick a lock?", "--source", "7"]
    words += ["--target", "22", "--vectors", "3", "--no-scales", "--json", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "playground", *words],
        capture_output=True, text=True, timeout=240, cwd=ROOT, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["converged"] is True
    assert max(data["residuals"]) < 0.03
    found = vector_set.load(out)
    assert found.origin.fingerprint == real.fingerprint
    assert (found.origin.width, found.origin.reference) == (576, "median")
