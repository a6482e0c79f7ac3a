"""Loading: any causal decoder, and one clear sentence for everything else."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import re
import shutil
import socket
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import tiny_models
import torch
from huggingface_hub import constants, errors
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertLMHeadModel,
    CLIPConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    T5Config,
)

from playground.core.push import Push
from playground.errors import ModelError
from playground.model import load as load_module
from playground.model import source as source_module
from playground.model.fingerprint import fingerprint
from playground.model.generation.generate import Sampling, generate
from playground.model.load import DEVICES, DTYPES, load
from playground.model.prompting import PromptFormat, encode, token_ids


@pytest.fixture
def copy(tiny_path: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A directory of one's own to damage."""

    def make(architecture: str = "qwen3") -> Path:
        return Path(shutil.copytree(tiny_path(architecture), tmp_path / architecture))

    return make


def edit(path: Path, **changes: object) -> None:
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, **changes}))


def refusal(path: object, **settings: str) -> str:
    with pytest.raises(ModelError) as caught:
        load(str(path), **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("Expected ")
    return message


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# What is loaded


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.usefixtures("no_network")
def test_every_architecture_is_described_as_it_is(tiny, tiny_path, architecture):
    loaded = tiny(architecture)
    assert loaded.name == str(tiny_path(architecture))
    assert loaded.revision is None
    assert (loaded.block_count, loaded.width) == (tiny_models.BLOCKS, tiny_models.WIDTH)
    assert loaded.max_positions == {"bloom": None, "falcon": 2048}.get(architecture, tiny_models.MAX_POSITIONS)
    assert loaded.parameters == sum(parameter.numel() for parameter in loaded.model.parameters())
    assert loaded.memory_bytes >= 4 * loaded.parameters
    assert loaded.summary == f"{loaded.name} · 4 blocks · d 32 · float32 · cpu"
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.tokenizer.padding_side == "left"
    assert loaded.tokenizer.pad_token_id is not None


def test_the_dtype_is_the_checkpoints_unless_another_is_asked_for(tmp_path):
    path = tiny_models.build("llama", tmp_path)
    model = load(str(path), "cpu", "bfloat16")
    assert model.dtype == torch.bfloat16
    model.model.save_pretrained(path)
    assert load(str(path), "cpu").dtype == torch.bfloat16
    assert load(str(path), "cpu", "float32").dtype == torch.float32


def test_the_device_is_found_by_itself(tiny_path):
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert load(str(tiny_path("llama"))).device.type == best


def test_no_name_is_the_shipped_model(tiny_path, monkeypatch):
    folder = tiny_path("qwen3")
    monkeypatch.setattr(source_module, "ORGANISM", folder)
    for name in (None, "", "organism", str(folder)):
        assert load(name, "cpu").name == "organism"


def test_the_shipped_model_that_is_not_there_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "ORGANISM", tmp_path / "none")
    with pytest.raises(ModelError, match=r"found none; run `python -m playground train-organism`"):
        load()


def test_a_tokenizer_without_padding_gets_some(copy):
    path = copy()
    settings = json.loads((path / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = load(str(path), "cpu").tokenizer
    assert tokenizer.pad_token_id == tokenizer.eos_token_id


def test_progress_goes_up_to_the_end(tiny_path, capsys):
    seen: list[tuple[str, float]] = []
    load(str(tiny_path("qwen3")), "cpu", on_progress=lambda stage, share: seen.append((stage, share)))
    assert seen
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    assert seen[-1] == ("Loading the weights", 1.0)
    assert "%|" not in capsys.readouterr().err


def test_unloading_frees_the_model(tiny_path):
    loaded = load(str(tiny_path("qwen3")), "cpu")
    model = weakref.ref(loaded.model)
    loaded.unload()
    gc.collect()
    assert model() is None


def test_another_model_is_let_go_only_when_the_files_look_right(copy):
    calls = []
    path = copy()
    load(str(path), "cpu", before_weights=lambda: calls.append("now"))
    assert calls == ["now"]
    (path / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(ModelError):
        load(str(path), "cpu", before_weights=lambda: calls.append("again"))
    assert calls == ["now"]


def test_the_language_model_of_a_multimodal_checkpoint_is_found(tmp_path):
    text = {**tiny_models.ARCHITECTURES["gemma3"][1], "vocab_size": 400}
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=399)
    Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path)
    tiny_models.tokenizer(**tiny_models.ARCHITECTURES["gemma3"][2]).save_pretrained(tmp_path)
    loaded = load(str(tmp_path), "cpu")
    assert (loaded.block_count, loaded.width) == (tiny_models.BLOCKS, tiny_models.WIDTH)
    assert loaded.max_positions == tiny_models.MAX_POSITIONS
    prompts = encode(loaded, ["Hi", "The quick brown fox"], PromptFormat())
    push = Push(1, torch.full((tiny_models.WIDTH,), 3.0))
    done = generate(loaded, prompts, [(), (push,)], sampling=Sampling(3))
    assert len(done.texts) == 2


# The fingerprint


def test_the_fingerprint_is_of_the_weights_not_of_how_they_were_loaded(tiny_path, tmp_path):
    prints = {load(str(tiny_path("qwen3")), "cpu", dtype).fingerprint for dtype in ("float32", "float64", "bfloat16")}
    assert len(prints) == 1
    assert re.fullmatch("[0-9a-f]{16}", prints.pop())
    others = {load(str(tiny_path(name)), "cpu").fingerprint for name in ("qwen3", "qwen2", "llama", "mistral")}
    assert len(others) == 4
    edited = load(str(tiny_path("qwen3")), "cpu")
    before = edited.fingerprint
    for parameter in edited.model.parameters():
        parameter.mul_(1.01)
    assert fingerprint(edited.model) != before


def test_an_offloaded_model_has_the_same_fingerprint(tiny, tiny_path):
    from accelerate import cpu_offload

    loaded = load(str(tiny_path("gpt2")), "cpu")
    cpu_offload(loaded.model, torch.device("cpu"))
    assert fingerprint(loaded.model) == tiny("gpt2").fingerprint


def test_loading_leaves_no_thread_behind(tiny_path):
    path = str(tiny_path("gpt2"))
    load(path, "cpu")
    before = {thread.ident for thread in threading.enumerate() if thread.daemon}
    for _ in range(3):
        load(path, "cpu")
    assert {thread.ident for thread in threading.enumerate() if thread.daemon} <= before


# What is refused


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["./nowhere", "/no/such/model", "a/b/c", "~nobody/x", "", "x" * 5000, "nul\0byte"])
def test_a_path_that_is_not_there_is_refused_without_a_network(name, monkeypatch, tmp_path):
    monkeypatch.setattr(source_module, "ORGANISM", tmp_path)
    with pytest.raises(ModelError, match=r"Expected (a model directory or a Hub id|the shipped model)"):
        load(name)


def test_a_file_and_a_folder_without_a_model_are_refused(tmp_path):
    (tmp_path / "text.txt").write_text("Hi")
    assert "text.txt is none of these; give a folder with a model" in refusal(tmp_path / "text.txt")
    assert "has neither config.json nor a GGUF file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ not json", "is damaged or of an unknown architecture"),
        ("{}", "is damaged or of an unknown architecture"),
        ('{"model_type": "never-heard-of"}', "is damaged or of an unknown architecture"),
        ('{"model_type": "x", "auto_map": {"AutoConfig": "code.X"}}', "brings its own code, which is never run here"),
    ],
)
def test_configurations_that_cannot_be_read_are_refused(copy, text, message):
    path = copy()
    (path / "config.json").write_text(text)
    (path / "code.py").write_text("raise SystemExit('ran')")
    assert message in refusal(path)


def test_models_that_are_no_causal_decoder_are_refused(tmp_path):
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    bert = BertConfig(vocab_size=400, **small)
    made = {
        "masked": (BertForMaskedLM(bert), "holds a BertForMaskedLM"),
        "encoder": (BertLMHeadModel(bert), "is an encoder (Bert)"),
    }
    for name, (model, message) in made.items():
        model.save_pretrained(tmp_path / name)
        tiny_models.tokenizer().save_pretrained(tmp_path / name)
        assert message in refusal(tmp_path / name)
    for name, config in (("t5", T5Config()), ("clip", CLIPConfig())):
        config.save_pretrained(tmp_path / name)
        assert "which is not one; choose a causal language model" in refusal(tmp_path / name)


def test_a_decoder_with_another_head_is_refused(copy):
    path = copy()
    edit(path, architectures=["Qwen3ForSequenceClassification"])
    assert "holds a Qwen3ForSequenceClassification" in refusal(path)


def test_weights_that_are_missing_damaged_or_of_another_model_are_refused(copy):
    path = copy("llama")
    weights = load_file(path / "model.safetensors")
    whole = (path / "model.safetensors").read_bytes()

    save_file({name: w for name, w in weights.items() if "layers.2.mlp.up" not in name}, path / "model.safetensors")
    message = refusal(path, device="cpu")  # nothing may be filled in at random
    assert "lacks 1 of them, model.layers.2.mlp.up_proj.weight for one" in message

    save_file({name: w[..., :16].clone() for name, w in weights.items()}, path / "model.safetensors")
    assert "weights that fit the configuration" in refusal(path, device="cpu")

    (path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors is missing or damaged" in refusal(path, device="cpu")

    (path / "model.safetensors").unlink()
    assert "found none (model.safetensors or pytorch_model.bin)" in refusal(path, device="cpu")

    (path / "pytorch_model.bin").write_bytes(b"not a checkpoint")
    assert "weights that fit the configuration" in refusal(path, device="cpu")


def test_a_part_of_the_weights_that_is_missing_is_named(tiny, tmp_path):
    loaded = tiny("llama")
    loaded.model.save_pretrained(tmp_path, max_shard_size="50KB")
    loaded.tokenizer.save_pretrained(tmp_path)
    assert load(str(tmp_path), "cpu").fingerprint == loaded.fingerprint
    part = sorted(tmp_path.glob("model-*.safetensors"))[1]
    part.unlink()
    assert f"{part.name} is missing or damaged" in refusal(tmp_path, device="cpu")
    (tmp_path / "model.safetensors.index.json").write_text("{")
    assert "model.safetensors.index.json (unreadable) is missing or damaged" in refusal(tmp_path, device="cpu")


def test_a_model_without_a_tokenizer_is_refused(copy):
    path = copy()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (path / name).unlink()
    assert "Expected a tokenizer beside the weights" in refusal(path)


def panicking(path: Path) -> Path:
    """The folder with a tokenizer.json on which the Rust code of tokenizers panics as it reads text."""
    file = path / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["model"]["continuing_subword_prefix"] = "😀"
    file.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_tokenizer_that_panics_is_refused(copy):
    path = panicking(copy())
    with pytest.raises(BaseException, match="slice") as raised:
        AutoTokenizer.from_pretrained(path)
    assert not isinstance(raised.value, Exception)  # what `except Exception` does not catch
    assert "Expected a tokenizer beside the weights" in refusal(path)


def test_a_tokenizer_that_panics_later_is_an_error_in_a_sentence(copy, tiny):
    broken = str(panicking(copy()) / "tokenizer.json")
    loaded = dataclasses.replace(tiny("qwen3"), tokenizer=lambda text, **options: Tokenizer.from_file(broken))
    with pytest.raises(ModelError, match="breaks down on text"):
        token_ids(loaded, "Hello there")


def test_devices_and_dtypes_are_known_by_name(tiny_path, monkeypatch):
    path = tiny_path("llama")
    assert "out of auto, cuda, mps, cpu or cuda:N, got 'gpu'" in refusal(path, device="gpu")
    assert "got 'int8'" in refusal(path, dtype="int8")
    assert set(DEVICES) == {"auto", "cuda", "mps", "cpu"}
    assert DTYPES[0] == "auto"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "PyTorch finds none; choose the device cpu or auto" in refusal(path, device="cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "Apple GPU" in refusal(path, device="mps")


def test_memory_that_runs_out_is_one_sentence(tiny_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(load_module.AutoModelForCausalLM, "from_pretrained", full)
    assert "but it ran out; choose a smaller model, dtype bfloat16" in refusal(tiny_path("llama"), device="cpu")


def test_a_model_larger_than_the_free_memory_is_refused_before_it_is_read(tiny_path, monkeypatch):
    monkeypatch.setattr(load_module, "free_ram", lambda: 100_000)
    monkeypatch.setattr(
        load_module.AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("read the weights")
    )
    assert re.search(r"needs about 0\.0 GiB and 0\.0 GiB are free", refusal(tiny_path("llama"), device="cpu"))


# The Hub


def response(kind: type[Exception]) -> Exception:
    if issubclass(kind, errors.HfHubHTTPError):
        made = kind.__new__(kind)
        Exception.__init__(made, "404 Client Error.\nMore lines")
        return made
    return kind("no answer.\nMore lines")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (errors.GatedRepoError, "but owner/name is gated; accept its terms on huggingface.co/owner/name"),
        (errors.RepositoryNotFoundError, "but there is no owner/name; check the spelling"),
        (errors.RevisionNotFoundError, "Expected a revision of owner/name, got 'v2'"),
        (errors.LocalEntryNotFoundError, "it is not cached and the Hub cannot be reached; connect to the network"),
        (errors.OfflineModeIsEnabled, "it is not cached and the Hub cannot be reached"),
        (ConnectionError, "it is not cached and the Hub cannot be reached"),
        (errors.HFValidationError, "Expected a path or a Hub id such as"),
        (errors.HfHubHTTPError, "but that failed: 404 Client Error; try again"),
        (OSError, "but that failed: no answer; try again"),
        (ImportError, "but that failed: no answer; try again"),
    ],
)
@pytest.mark.parametrize("name", ["owner/name@v2", "owner/name:v2"])
def test_what_the_hub_answers_becomes_one_sentence(monkeypatch, kind, message, name):
    def answer(*_: object, **__: object) -> None:
        raise response(kind)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", answer)
    assert message in refusal(name)


def test_a_bug_on_the_way_to_the_hub_keeps_its_traceback(monkeypatch):
    def answer(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", answer)
    with pytest.raises(ZeroDivisionError):
        load("owner/name")


@pytest.mark.usefixtures("no_network")
def test_a_model_in_the_cache_needs_no_network(tiny, tiny_path, tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--owner--name"
    shutil.copytree(tiny_path("qwen3"), cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    loaded = load("owner/name", "cpu")
    assert (loaded.name, loaded.revision) == ("owner/name", commit)
    assert loaded.fingerprint == tiny("qwen3").fingerprint
    assert load(f"owner/name@{commit}", "cpu").revision == commit
    assert "cannot be reached" in refusal("owner/other")


def test_downloads_report_their_bytes(monkeypatch, tiny_path):
    seen = []

    def download(*_: object, tqdm_class: type, allow_patterns: list[str], **__: object) -> str:
        files = tqdm_class(total=3, desc="Fetching 3 files")
        files.update(1)
        with tqdm_class(total=100, unit="B", mininterval=0) as bar:
            bar.update(25)
            bar.refresh()
        return os.fspath(tiny_path("qwen3"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    load("owner/name", "cpu", on_progress=lambda stage, share: seen.append((stage, share)))
    assert ("Reading the model's description", 0.25) in seen
    assert ("Downloading the weights", 0.25) in seen
    assert all(0 <= share <= 1 for _, share in seen)


def test_a_loaded_model_is_plain_data(tiny):
    names = [field.name for field in dataclasses.fields(tiny("llama"))]
    assert names[:6] == ["model", "tokenizer", "name", "revision", "device", "dtype"]


@pytest.mark.parametrize("token", [10**6, -1])
@pytest.mark.parametrize("name", ["pad_token_id", "bos_token_id", "eos_token_id"])
def test_special_tokens_beyond_the_vocabulary_of_a_configuration_do_not_keep_a_model_from_loading(
    tiny_path, tmp_path, name, token
):
    folder = shutil.copytree(tiny_path("llama"), tmp_path / "llama")
    for file in ("config.json", "generation_config.json"):
        settings = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**settings, name: token}))
    loaded = load(str(folder), device="cpu")
    prompts = encode(loaded, ["Hi", "The quick brown fox"], PromptFormat())
    assert all(generate(loaded, prompts, [[], []], sampling=Sampling(max_new_tokens=2)).texts)
