"""Which models are found on a machine, and what is offered first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.services import model_choices
from playground.services.model_choices import HUB_MODELS, in_cache, in_folder


def checkpoint(
    folder: Path, size: int = 10, parts: tuple[int, int] | None = None, kind: str = "LlamaForCausalLM"
) -> Path:
    """A folder that looks like a checkpoint; with `parts` = (there, told) one in several files."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": [kind]}))
    names = ["model.safetensors"]
    if parts is not None:
        names = [f"model-{number + 1:05}-of-{parts[1]:05}.safetensors" for number in range(parts[0])]
    for name in names:
        (folder / name).write_bytes(b"x" * size)
    return folder


def cached(cache: Path, repository: str, size: int = 10) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    return checkpoint(folder / "snapshots" / "abc", size)


def names(models: list) -> list[str]:
    return [model.name for model in models]


def test_a_folder_gives_its_checkpoints_and_gguf_files_also_in_folders_below(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path / "whole", size=7)
    split = checkpoint(tmp_path / "split", size=7, parts=(3, 3))
    deep = tmp_path / "owner" / "repository"
    deep.mkdir(parents=True)
    (deep / "small.Q4_K_M.gguf").write_bytes(b"GGUF")
    (tmp_path / "LARGE.GGUF").write_bytes(b"GGUFx")
    found = {model.name: model.file_bytes for model in in_folder(tmp_path)}
    assert found == {str(whole): 7, str(split): 21, str(deep / "small.Q4_K_M.gguf"): 4, str(tmp_path / "LARGE.GGUF"): 5}


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "T5EncoderModel"], ids=["another task", "an encoder"])
def test_what_is_no_causal_model_is_not_offered(tmp_path: Path, kind: str) -> None:
    checkpoint(tmp_path / "model", kind=kind)
    assert in_folder(tmp_path) == []


def test_what_is_not_whole_is_not_offered(tmp_path: Path) -> None:
    checkpoint(tmp_path / "cut-off", parts=(2, 3))
    (checkpoint(tmp_path / "damaged") / "config.json").write_text("{")
    (checkpoint(tmp_path / "no-weights") / "model.safetensors").unlink()
    for name in ("mmproj-model.gguf", "model-00001-of-00002.gguf", "empty.gguf"):
        (tmp_path / name).write_bytes(b"" if name == "empty.gguf" else b"GGUF")
    assert in_folder(tmp_path) == []


def test_the_folder_itself_may_be_a_model(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model")
    assert names(in_folder(folder)) == [str(folder)]


def test_a_large_tree_is_not_searched_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint(tmp_path / "1" / "2" / "3" / "4")
    assert in_folder(tmp_path) == []
    for number in range(6):
        checkpoint(tmp_path / f"model-{number}")
    monkeypatch.setattr(model_choices, "MOST", 4)
    assert len(in_folder(tmp_path)) == 4
    monkeypatch.setattr(model_choices, "MOST_FOLDERS", 3)
    assert len(in_folder(tmp_path)) < 4


def test_the_cache_gives_hub_ids_and_skips_what_was_cut_off(tmp_path: Path) -> None:
    cached(tmp_path, "owner/some--model")
    (cached(tmp_path, "owner/cut-off") / "model.safetensors").unlink()
    (tmp_path / "models--owner--no-refs" / "snapshots").mkdir(parents=True)
    (tmp_path / "datasets--owner--data").mkdir()
    assert names(in_cache(tmp_path)) == ["owner/some--model"]
    assert in_cache(tmp_path / "nowhere") == []


def test_gguf_files_in_the_cache_are_offered_by_their_path(tmp_path: Path) -> None:
    snapshot = cached(tmp_path, "owner/model-GGUF")
    (snapshot / "config.json").unlink()
    (snapshot / "model.gguf").write_bytes(b"GGUF")
    assert names(in_cache(tmp_path)) == [str(snapshot / "model.gguf")]


def test_the_smallest_model_on_the_machine_is_offered_first_else_the_smallest_of_the_hub(tmp_path: Path) -> None:
    nothing = model_choices.model_choices(None, tmp_path / "cache")
    assert nothing.local == ()
    assert nothing.hub == HUB_MODELS
    assert nothing.first_real == HUB_MODELS[0]
    cached(tmp_path / "cache", "Qwen/Qwen3-0.6B", size=30)
    checkpoint(tmp_path / "models" / "mine", size=20)
    some = model_choices.model_choices(tmp_path / "models", tmp_path / "cache")
    assert [model.shown for model in some.local] == ["mine", "Qwen3-0.6B"]
    assert some.first_real == some.local[0]
    assert "Qwen/Qwen3-0.6B" not in [model.name for model in some.hub]


def test_the_hub_models_stand_from_small_to_large() -> None:
    sizes = [model.memory_bytes for model in HUB_MODELS]
    assert sizes == sorted(sizes)
