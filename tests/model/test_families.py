"""Families of models: exact beside plain loops or refused with the reason, as assets/docs/FAMILIES.md says."""

from __future__ import annotations

from pathlib import Path

import families
import pytest
import tiny_families
import tiny_models
import torch

from playground.core.push import Push
from playground.errors import ModelError
from playground.model.fitness import check_fitness
from playground.model.generation.generate import Sampling, generate
from playground.model.load import load, wrap
from playground.model.prompting import PromptFormat, encode

# Those of the table that take well under a second; `python tests/model/families.py` measures all.
_QUICK = (
    "apertus arcee bamba bert bloom cohere cohere2 deepseek_v2 deepseek_v3 ernie4_5 exaone4 falcon falcon_h1 "
    "falcon_mamba gemma gemma2 gemma3 gemma3_text gemma4 gemma4_text glm glm4 gpt2 gpt_bigcode gpt_neo gpt_neox "
    "gpt_oss gptj granite granitemoehybrid helium inkling_text internvl jamba lfm2 llama llama4_text llava mamba "
    "mamba2 ministral ministral3 mistral mistral3 mixtral mpt nemotron olmo olmo2 olmo3 openai-gpt opt phi phi3 "
    "qwen2 qwen2_5_vl qwen2_moe qwen3 qwen3_5 qwen3_5_text qwen3_moe qwen3_vl smollm3 stablelm starcoder2 zamba2"
)
EXACT = _QUICK.split()
REFUSED = {
    "bart": "a prompt that is padded in a batch reads otherwise than alone",
    "deepseek_v4": "its blocks put out (1, 12, 4, 32) for 12 tokens, where (1, 12, 32) was expected",
    "gemma3n_text": "its blocks put out (4, 1, 12, 32) for 12 tokens, where (1, 12, 32) was expected",
    "inkling2_text": "what it says comes from more than what its last block puts out",
    "mllama": "3 blocks run in a pass over text, where 4 were expected to",
    "paligemma": "text that it continues token by token is not what it says to the whole text",
    "recurrent_gemma": "a prompt that is padded in a batch reads otherwise than alone",
    "roberta": "it reads a text otherwise when it is told the places of tokens, counted from 0",
    "rwkv": "a push at generated tokens does not act there",
    "zaya": "its block 3 is given more of what was pushed than the residual stream",
}


def told(family: str) -> list[str]:
    """What the table says of a family: class, verdict, and reason or errors."""
    rows = [line.strip("| \n").split(" | ") for line in families.TABLE.read_text(encoding="utf-8").splitlines()]
    (row,) = [row for row in rows if row[0] == f"`{family}`"]
    return row[1:]


@pytest.mark.parametrize("family", EXACT)
def test_a_family_is_steered_and_measured_as_by_plain_loops(family):
    row = families.measured(family)
    assert row is not None
    assert row.refused == ""
    assert row.sigma <= families.SIGMA_ERROR
    assert row.texts
    assert row.measure <= families.MEASURE_ERROR
    assert told(family)[:2] == [f"`{row.kind}`", "exact"]


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_would_be_steered_wrongly_is_refused_with_the_reason(family):
    row = families.measured(family)
    assert row is not None
    assert row.refused.startswith("Expected a model that can be steered as others are, but ")
    assert REFUSED[family] in row.refused
    assert "\n" not in row.refused
    assert told(family) == [f"`{row.kind}`", "refused", REFUSED[family]]


def test_the_table_has_a_hundred_exact_families_and_none_that_is_off():
    lines = families.TABLE.read_text(encoding="utf-8").splitlines()
    verdicts = [line.split(" | ")[2] for line in lines if line.startswith("| `")]
    assert verdicts.count("exact") >= 100
    assert set(verdicts) == {"exact", "refused"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_what_is_exact_is_not_refused_in_16_bits(dtype):
    for family in ("llama", "gemma2", "qwen3_moe", "gpt_oss", "jamba", "mamba2", "deepseek_v3", "qwen3_5", "bloom"):
        check_fitness(tiny_families.model_of(family).to(dtype), family)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", sorted(set(REFUSED) - {"inkling2_text"}))  # which computes in float32 only
def test_what_is_refused_is_refused_in_16_bits_for_the_same_reason(family, dtype):
    with pytest.raises(ModelError) as caught:
        check_fitness(tiny_families.model_of(family).to(dtype), family)
    assert REFUSED[family] in str(caught.value)


@pytest.mark.parametrize("family", ["qwen3_5", "mistral3", "llama4", "gemma4", "qwen2_5_vl"])
def test_a_multimodal_checkpoint_is_loaded_whole_and_its_decoder_is_steered(family: str, tmp_path: Path):
    model = tiny_families.model_of(family)
    model.save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    loaded = load(str(tmp_path), "cpu")
    assert type(loaded.model) is type(model)
    assert (loaded.block_count, loaded.width, loaded.max_positions) == (tiny_families.BLOCKS, tiny_families.WIDTH, 256)
    prompts = encode(loaded, ["Hi", "The quick brown fox"], PromptFormat())
    pushes = [[Push(1, families.direction())], []]
    done = generate(loaded, prompts, pushes, "generated", Sampling(max_new_tokens=4))
    kept = generate(wrap(model, loaded.tokenizer), prompts, pushes, "generated", Sampling(max_new_tokens=4))
    assert done.token_ids == kept.token_ids


def test_a_checkpoint_that_names_the_class_for_text_alone_gets_it(tmp_path: Path):
    model = tiny_families.model_of("qwen3_5_text")
    model.save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    assert type(load(str(tmp_path), "cpu").model) is type(model)


def test_the_trial_at_loading_leaves_a_model_as_it_was():
    model = tiny_families.model_of("rwkv")
    settings = model.generation_config
    with pytest.raises(ModelError):
        check_fitness(model, "rwkv")
    assert model.generation_config is settings
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
