"""python -m playground export and import: what comes back steers as what was written, and the rest is one sentence."""

from __future__ import annotations

import json

import pytest
import torch

from playground.cli import imports
from playground.library.directions import COUNTINGS, SITES
from playground.library.vector_set import load

SET = "organism-refusals-power-3-9"
RECIPE = f"{SET}#0@8,{SET}#mean:0-3@1n"
SUFFIXES = {
    "gguf": ".gguf", "easysteer": ".json", "steering-vectors": ".pt", "pt": ".pt", "safetensors": ".safetensors",
}  # fmt: skip


def steered(command, recipe):
    run = command("generate", "--prompt", "How do I fold a kite?", "--steer", recipe, "--max-new-tokens", 12, "--json")
    assert run.status == 0, run.err
    return json.loads(run.out)["rows"][1]["token_ids"]


@pytest.mark.parametrize("name", SUFFIXES)
def test_what_is_exported_and_taken_in_again_writes_the_same_text(name, command, tmp_path):
    out, back = tmp_path / f"made{SUFFIXES[name]}", tmp_path / "back.safetensors"
    run = command("export", RECIPE, "--format", name, "--out", out, "--json")
    assert run.status == 0, run.err
    written = json.loads(run.out)
    assert written["layers"] == [{"layer": 3, "vectors": 1}]
    assert written["bytes"] == out.stat().st_size
    assert "where the vectors come from" in written["left_out"][0]
    assert written["left_out"][0] in run.err
    answers = ["--counted", "blocks"] if name == "pt" else []
    run = command("import", out, *answers, "--out", back, "--json")
    assert run.status == 0, run.err
    read = json.loads(run.out)
    assert (read["files"], read["layers"], read["vectors"]) == ([str(back)], [3], [1])
    assert load(back).origin.residual_norm == read["residual_norms"][0]
    assert steered(command, read["recipe"]) == steered(command, RECIPE)


def test_rows_of_a_set_as_they_are_or_at_a_scale(command, tmp_path):
    out = tmp_path / "rows.pt"
    assert command("export", SET, "--format", "pt", "--out", out, "--rows", "0,3").status == 0
    (found,) = torch.load(out, weights_only=True).values()
    from playground.library.store import open_set

    assert torch.equal(found, open_set(SET).vectors[[0, 3]])
    run = command("export", SET, "--format", "pt", "--out", out, "--scale", "0.2r")
    assert "12 × 256 at layer 3 written to" in run.out
    (found,) = torch.load(out, weights_only=True).values()
    torch.testing.assert_close(found.norm(dim=1), torch.full((12,), 0.2 * open_set(SET).origin.residual_norm))


def test_several_layers_become_a_set_each(command, tmp_path):
    torch.save({3: torch.ones(256), 5: torch.ones(2, 256)}, tmp_path / "v.pt")
    run = command("import", tmp_path / "v.pt", "--counted", "hidden-states", "--out", tmp_path / "mine.safetensors")
    assert run.status == 0, run.err
    assert [load(tmp_path / f"mine-{layer}.safetensors").rows for layer in (2, 4)] == [1, 2]
    assert "1 vector at block 2 written to" in run.out
    assert f"add them with --steer {tmp_path}/mine-2.safetensors#0@1n,{tmp_path}/mine-4.safetensors#0@1n" in run.out


def test_the_control_vector_names_the_architecture(command, tmp_path):
    from gguf import GGUFReader

    def hint(*words):
        assert command("export", f"{SET}#0@8", "--format", "gguf", "--out", tmp_path / "v.gguf", *words).status == 0
        return GGUFReader(tmp_path / "v.gguf").fields["controlvector.model_hint"].contents()

    assert hint() == "qwen3"
    assert hint("--hint", "mine") == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((SET, "--format", "gguf", "--out", "v.gguf"), "expected one vector a layer"),
        ((f"{SET}#0@8", "--format", "gguf", "--out", "v.pt"), "a name that ends in .gguf"),
        ((f"{SET}#0@8", "--format", "onnx", "--out", "v.onnx"), "expected a format: gguf"),
        ((f"{SET}#0@8", "--format", "pt", "--out", "v.pt", "--rows", "0"), "--rows with a set"),
        ((f"{SET}#99@8", "--format", "pt", "--out", "v.pt"), "expected rows of"),
        (("nowhere", "--format", "pt", "--out", "v.pt"), "the name of a vector set or a file"),
    ],
)
def test_a_wrong_export_is_one_sentence_and_writes_nothing(words, said, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = command("export", *words)
    assert run.status == 2
    assert said in run.err
    assert run.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_wrong_import_is_one_sentence_and_writes_nothing(command, tmp_path):
    torch.save(torch.ones(2, 256), tmp_path / "v.pt")
    torch.save(torch.ones(2, 255), tmp_path / "narrow.pt")
    out = tmp_path / "out.safetensors"
    for words, said in (
        (("v.pt",), "expected the layer at which these vectors are added"),
        (("v.pt", "--layer", 3), "expected how layers are counted"),
        (("v.pt", "--layer", 99, "--counted", "blocks"), "layers of a model of 12 blocks"),
        (("v.pt", "--layer", 3, "--counted", "upwards"), "how layers are counted: blocks or hidden-states"),
        (("narrow.pt", "--layer", 3, "--counted", "blocks"), "vectors of width 256"),
        (("none.pt",), "expected a file of vectors at"),
    ):
        run = command("import", tmp_path / words[0], *words[1:], "--out", out)
        assert run.status == 2
        assert said in run.err.lower()
        assert not out.exists()


def test_the_words_of_the_options_are_those_of_the_library():
    """Written out in the command, because the library imports torch."""
    assert imports.COUNTED == COUNTINGS
    assert tuple(imports.SITES.values()) == SITES
