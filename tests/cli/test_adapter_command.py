"""--adapter on the command line: what is generated, what vectors keep, and what their files bring back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.library.vector_set import load as load_vectors
from playground.model.load import ORGANISM, load
from tests.model.adapters import adapter_of


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras") / "pirate"
    return adapter_of(ORGANISM, folder, r=2, target_modules=["q_proj", "o_proj"])


def test_vectors_name_the_adapter_and_bring_it_back(command, adapter: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.safetensors"
    words = ["--prompt", "How do I bake bread?", "--source", "3", "--target", "5", "--vectors", "1", "--no-scales"]
    found = command("find", "random", "--adapter", adapter, *words, "--out", out, "--json")
    assert found.status == 0, found.err
    origin, merged = load_vectors(out).origin, load(adapter=adapter)
    assert (origin.model, origin.fingerprint) == (f"organism + adapter {adapter}", merged.fingerprint)
    # The file's model is loaded with its adapter where no other is named: no warning of another fingerprint.
    for chosen, warned in (([], False), (["--model", "organism"], True)):
        again = command("calibrate", *chosen, "--vectors", out, "--what", "radii", "--json")
        assert again.status == 0, again.err
        assert ("warning:" in again.err) == warned
    text = command("generate", "--adapter", adapter, "--prompt", "Hi", "--max-new-tokens", "2", "--json")
    assert json.loads(text.out)["model"] == origin.model


def test_a_folder_that_is_not_there_is_one_sentence(command, tmp_path: Path) -> None:
    done = command("generate", "--adapter", tmp_path / "none", "--prompt", "Hi")
    assert done.status == 2
    assert "expected the folder of an adapter" in done.err
