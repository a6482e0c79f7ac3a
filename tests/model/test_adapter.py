"""LoRA adapters: merged as PEFT computes them, part of the model's name, and refused where they do not fit."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from playground.errors import ModelError
from playground.model import adapter as adapter_module
from playground.model.adapter import check_base, open_adapter, short_name, split_adapter, with_adapter
from playground.model.load import LoadedModel, load
from playground.services.command import scales_command
from tests.model.adapters import adapter_of

TOKENS = torch.tensor([[5, 17, 42, 99, 7, 250]])


@pytest.fixture(scope="module")
def base(tiny_path: Callable[[str], Path]) -> Path:
    return tiny_path("llama")


@pytest.fixture(scope="module")
def lora(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter_of(base, tmp_path_factory.mktemp("adapters") / "pirate")


@pytest.fixture(scope="module")
def merged(base: Path, lora: Path) -> LoadedModel:
    return load(str(base), "cpu", "float32", adapter=lora)


@pytest.fixture
def damaged(lora: Path, tmp_path: Path) -> Path:
    """A copy of the adapter to change."""
    return Path(shutil.copytree(lora, tmp_path / "adapter"))


def edit(folder: Path, **changes: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(base: Path | str, adapter: object, dtype: str = "float32") -> str:
    with pytest.raises(ModelError) as caught:
        load(str(base), "cpu", dtype, adapter=adapter)  # type: ignore[arg-type]
    assert str(caught.value).startswith("Expected ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@torch.no_grad()
def peft_logits(base: Path, adapter: Path) -> torch.Tensor:
    """Logits that PEFT computes with the adapter beside the weights, unmerged."""
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return peft.PeftModel.from_pretrained(plain, adapter, torch_device="cpu").eval()(TOKENS).logits


@torch.no_grad()
def logits(loaded: LoadedModel) -> torch.Tensor:
    return loaded.model(TOKENS).logits


@pytest.mark.parametrize("settings", [{}, {"use_rslora": True}, {"use_dora": True}], ids=["lora", "rslora", "dora"])
def test_logits_are_those_of_peft(base: Path, tmp_path: Path, settings: dict[str, object]) -> None:
    adapter = adapter_of(base, tmp_path / "adapter", **settings)
    wanted, plain = peft_logits(base, adapter), logits(load(str(base), "cpu", "float32"))
    assert (plain - wanted).abs().max() > 0.1
    # float32 rounds W x + B A x and (W + B A) x differently.
    torch.testing.assert_close(logits(load(str(base), "cpu", "float32", adapter=adapter)), wanted, rtol=1e-4, atol=1e-4)


def test_merged_weights_are_the_base_plus_the_scaled_product(base: Path, lora: Path, merged: LoadedModel) -> None:
    before = load(str(base), "cpu", "float32").model.state_dict()
    tensors, scaling = load_file(lora / "adapter_model.safetensors"), 12 / 3
    after = merged.model.state_dict()
    assert before.keys() == after.keys()  # nothing of PEFT is left
    changed = set()
    for key in before:
        prefix = f"base_model.model.{key.removesuffix('.weight')}"
        wanted = before[key].double()
        if f"{prefix}.lora_A.weight" in tensors:
            changed.add(key)
            wanted = wanted + scaling * (
                tensors[f"{prefix}.lora_B.weight"].double() @ tensors[f"{prefix}.lora_A.weight"].double()
            )
        torch.testing.assert_close(after[key].double(), wanted, rtol=1e-5, atol=1e-5)
    assert len(changed) == len(tensors) // 2 == 2 * merged.block_count
    assert not any(parameter.requires_grad for parameter in merged.model.parameters())


def test_16_bit_weights_are_off_by_no_more_than_their_rounding(base: Path, lora: Path, merged: LoadedModel) -> None:
    plain, narrow = (load(str(base), "cpu", "bfloat16", adapter=folder).model.state_dict() for folder in (None, lora))
    for key, wide in merged.model.state_dict().items():
        assert narrow[key].dtype == torch.bfloat16
        added = (wide - plain[key].float()).abs()
        # W, what is added and their sum are each rounded once, by half of 2^-7 of their size at most.
        assert ((narrow[key].float() - wide).abs() <= 2**-8 * (2 * wide.abs() + 2 * added)).all()


def test_the_adapter_is_in_name_summary_fingerprint_and_command(base: Path, lora: Path, merged: LoadedModel) -> None:
    plain = load(str(base), "cpu", "float32")
    assert merged.name == f"{base} + adapter {lora}"
    assert merged.summary.startswith(f"{merged.name} · ")
    assert merged.fingerprint != plain.fingerprint
    assert short_name(merged.name) == f"{base.name} + adapter pirate"
    words = shlex.split(scales_command("a", merged))
    assert words[words.index("--model") + 1] == str(base)
    assert words[words.index("--adapter") + 1] == str(lora)
    assert "--adapter" not in scales_command("a", plain)


def test_a_name_with_an_adapter_loads_the_same_model(merged: LoadedModel) -> None:
    again = load(merged.name, "cpu", "float32")
    assert (again.name, again.fingerprint) == (merged.name, merged.fingerprint)


def test_names_and_adapters_are_joined_and_split() -> None:
    assert with_adapter("a", None) == "a"
    assert with_adapter(None, None) is None
    assert with_adapter(None, "d") == "organism + adapter d"
    assert split_adapter("a + adapter b/c d") == ("a", "b/c d")
    assert split_adapter("a + b") == ("a + b", None)
    with pytest.raises(ModelError, match="Expected one adapter, got two"):
        with_adapter("a + adapter b", "c")
    for folder in ("", "x\ny", "a + adapter b", "x" * 5000):
        with pytest.raises(ModelError, match="Expected the folder of an adapter"):
            with_adapter("a", folder)


def test_an_adapter_of_another_model_is_refused(tiny_path: Callable[[str], Path], base: Path, lora: Path) -> None:
    for other in ("gpt2", "organism"):
        said = refusal(other if other == "organism" else tiny_path(other), lora)
        assert "Expected the base model of the adapter" in said
        assert str(base)[:20] in said


def test_tensors_without_a_place_and_missing_ones_are_refused(base: Path, damaged: Path) -> None:
    path = damaged / "adapter_model.safetensors"
    tensors = load_file(path)
    first = min(tensors)
    save_file({key: value for key, value in tensors.items() if key != first}, path)
    assert f"the model needs 1 of its tensors, {first}" in refusal(base, damaged)
    save_file({**tensors, "base_model.model.odd.lora_A.weight": torch.zeros(3, 4)}, path)
    assert "the model has no place for 1 of its tensors, base_model.model.odd" in refusal(base, damaged)


def test_numbers_that_are_not_finite_are_refused(base: Path, damaged: Path) -> None:
    path = damaged / "adapter_model.safetensors"
    save_file({key: torch.full_like(value, torch.nan) for key, value in load_file(path).items()}, path)
    assert "can be merged" in refusal(base, damaged)


def test_tied_embeddings_are_not_adapted(tiny_path: Callable[[str], Path], tmp_path: Path) -> None:
    tied = Path(shutil.copytree(tiny_path("llama"), tmp_path / "tied"))
    model = AutoModelForCausalLM.from_pretrained(tied)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tied)
    adapter = adapter_of(tied, tmp_path / "adapter", target_modules=["lm_head", "q_proj"])
    assert "leaves lm_head alone" in refusal(tied, adapter)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: shutil.rmtree(folder), "but there is none"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "not both are there"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "not both are there"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "damaged"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"\x10" * 50), "damaged"),
        (lambda folder: edit(folder, r=10**9), "damaged"),
        (lambda folder: edit(folder, rank_pattern={"q_proj": 10**9}), "damaged"),
        (lambda folder: edit(folder, r="3"), "damaged"),
        (lambda folder: edit(folder, peft_type="PREFIX_TUNING"), "got one of the kind 'PREFIX_TUNING'"),
        (lambda folder: edit(folder, megatron_config={"a": 1}, megatron_core="os"), "Expected a LoRA adapter"),
        (lambda folder: edit(folder, r=5), "does not fit"),
        (lambda folder: edit(folder, target_modules=["nothing"]), "does not fit"),
    ],
    ids=[
        "no folder", "no configuration", "no weights", "no JSON", "a list", "no safetensors", "a huge rank",
        "a huge rank of one", "a rank that is text", "another kind", "Megatron", "another rank",
        "no modules",
    ],
)  # fmt: skip
def test_missing_damaged_and_other_adapters_are_refused(
    base: Path, damaged: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(damaged)
    assert said in refusal(base, damaged)


def test_a_missing_package_is_named(base: Path, lora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "find_spec", lambda name: None)
    assert "pip install peft" in refusal(base, lora)


def test_quantised_weights_are_refused_before_they_are_read(base: Path, lora: Path, tmp_path: Path) -> None:
    quantised = Path(shutil.copytree(base, tmp_path / "quantised"))
    config = json.loads((quantised / "config.json").read_text())
    config["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True).to_dict()
    (quantised / "config.json").write_text(json.dumps(config))
    assert "are quantised" in refusal(quantised, lora)


def test_models_of_the_hub_are_compared_by_name(lora: Path, damaged: Path) -> None:
    edit(damaged, base_model_name_or_path="Some/Base")
    adapter = open_adapter(str(damaged))
    check_base(adapter, "some/base@main", "some/base", None)
    check_base(adapter, "/a/folder", None, None)  # a folder has no name to compare
    check_base(open_adapter(str(lora)), "other/base", "other/base", None)  # and so has an adapter of a folder
    with pytest.raises(ModelError, match="base model of the adapter, Some/Base, got other/base"):
        check_base(adapter, "other/base", "other/base", None)


def test_a_model_before_is_kept_until_the_adapter_is_checked(base: Path, tmp_path: Path) -> None:
    freed: list[int] = []
    with pytest.raises(ModelError):
        load(str(base), "cpu", before_weights=lambda: freed.append(1), adapter=tmp_path / "none")
    assert freed == []
