"""GGUF files: the model that was written is the model that loads, and one clear sentence for everything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType
from gguf_files import write

from playground.errors import ModelError
from playground.model.load import load
from playground.model.pasted import hub_name
from playground.model.prompting import PromptFormat, encode, forward_inputs, render
from playground.services.find import find_request, suggest_name


@pytest.fixture
def file(tiny: Callable, tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return write(tiny("llama"), folder / "tiny-llama.F32.gguf")


def logits(loaded, text: str):
    encoded = encode(loaded, [text], PromptFormat(chat=False))
    with torch.no_grad():
        return encoded.input_ids, loaded.model(**forward_inputs(loaded, encoded)).logits[0, -1].float()


def test_a_file_gives_the_model_that_was_written(tiny, file):
    said = []
    read, original = load(str(file), device="cpu", on_progress=lambda stage, share: said.append(share)), tiny("llama")
    assert (read.block_count, read.width, read.dtype) == (original.block_count, original.width, torch.float32)
    ids, found = logits(read, "How do I bake a loaf of bread?")
    expected_ids, expected = logits(original, "How do I bake a loaf of bread?")
    assert ids.tolist() == expected_ids.tolist()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert render(read, "Hi", PromptFormat()) == render(original, "Hi", PromptFormat())
    assert read.fingerprint == original.fingerprint
    assert said
    assert getattr(read.model.config, "quantization_config", None) is None


def test_a_folder_with_one_file_is_a_model_and_one_with_several_names_them(file):
    assert load(str(file.parent), device="cpu").block_count == 4
    shutil.copy(file, file.with_name("other.gguf"))
    with pytest.raises(ModelError, match=r"found 2 \(other.gguf, tiny-llama.F32.gguf\); give the path of one"):
        load(str(file.parent))


def test_quantised_weights_come_out_in_the_chosen_dtype(tiny, tmp_path):
    path = write(tiny("llama"), tmp_path / "tiny.Q8_0.gguf", kind=GGMLQuantizationType.Q8_0)
    read = load(str(path), device="cpu", dtype="bfloat16")
    assert {parameter.dtype for parameter in read.model.parameters()} == {torch.bfloat16}
    _, found = logits(read, "Does it help?")
    _, expected = logits(tiny("llama"), "Does it help?")
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.99


def test_the_name_of_a_set_leaves_the_suffix_out(file):
    loaded = load(str(file), device="cpu")
    request = find_request(method="random", prompts=("Hi",), source=1, target=None)
    assert suggest_name(request, loaded) == "tiny-llama-f32-prompt-random-1"


def refusal(path: object) -> str:
    with pytest.raises(ModelError) as caught:
        load(str(path), device="cpu")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("Expected ")
    return message


def test_an_architecture_that_cannot_be_converted_is_refused_by_name(tiny, tmp_path):
    path = write(tiny("llama"), tmp_path / "x.gguf", architecture="rwkv6")
    assert "x.gguf is of “rwkv6”; load the model's original checkpoint" in refusal(path)


@pytest.mark.parametrize("keep", [0, 3, 20, 400, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused_in_a_sentence(file, keep):
    data = file.read_bytes()
    file.write_bytes(data[: keep if isinstance(keep, int) else int(keep * len(data))])
    assert "Expected a whole GGUF file, but tiny-llama.F32.gguf cannot be read" in refusal(file)


def test_other_files_are_refused_by_what_they_are(tmp_path):
    for name, said in (
        ("a.safetensors", "a weight file or a vector set; give the folder"),
        ("a.pth", "a pickled file, which is never opened"),
        ("a.txt", "none of these"),
    ):
        (tmp_path / name).write_bytes(b"x")
        assert said in refusal(tmp_path / name)
    assert "Expected a GGUF file at" in refusal(tmp_path / "nowhere.gguf")


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("https://huggingface.co/Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("http://hf.co/Qwen/Qwen3-0.6B/", "Qwen/Qwen3-0.6B"),
        ("huggingface.co/Qwen/Qwen3-0.6B?library=x", None),
        ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main", "Qwen/Qwen3-0.6B@main"),
        ("https://huggingface.co/gpt2", "gpt2"),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("Qwen/Qwen3-0.6B@abc", "Qwen/Qwen3-0.6B@abc"),
    ],
)
def test_addresses_of_the_hub_are_understood(pasted, meant):
    assert hub_name(pasted) == (meant or pasted.partition("?")[0].removeprefix("huggingface.co/"))


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("https://huggingface.co/datasets/a/b", "one of datasets"),
        ("https://huggingface.co/", "one of the start page"),
        ("https://example.com/model", "another address"),
        ("https://huggingface.co/a/b/blob/main/x.gguf", "the address of one file, x.gguf"),
    ],
)
def test_other_addresses_are_named(pasted, said):
    assert said in refusal(pasted)
