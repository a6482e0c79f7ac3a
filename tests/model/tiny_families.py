"""Tiny models with random weights of every causal family that transformers has, made from its configuration.

No family is described by hand where it need not be: sizes in a configuration are made small by their names, wherever
they stand in it, and `CHANGES` says what a family wants beside that.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
)

BLOCKS = 4
WIDTH = 32
VOCABULARY = 400
WINDOW = 6
"""Tokens that blocks with a sliding window see; prompts of the tests are longer."""

_NAMED: dict[int, str] = {
    WIDTH: "hidden_size n_embd d_model dim embedding_size word_embed_proj_dim attention_hidden_size out_hidden_size "
    "vision_hidden_size text_hidden_size projection_dim",
    BLOCKS: "num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers num_attention_heads n_head "
    "n_heads num_heads encoder_attention_heads decoder_attention_heads num_experts n_routed_experts num_local_experts "
    "moe_num_experts num_routed_experts linear_num_value_heads chunk_size mamba_chunk_size index_topk",
    2: "num_key_value_heads multi_query_group_num num_experts_per_tok num_experts_per_token moe_topk moe_k "
    "top_k_experts linear_num_key_heads num_kv_shared_layers global_attn_every_n_layers "
    "full_attention_interval",
    1: "n_group topk_group num_expert_group n_groups mamba_n_groups first_k_dense_replace num_dense_layers depth "
    "num_blocks",
    48: "intermediate_size ffn_dim n_inner ffn_hidden_size encoder_ffn_dim decoder_ffn_dim moe_intermediate_size "
    "shared_expert_intermediate_size moe_shared_expert_intermediate_size shared_intermediate_size "
    "intermediate_size_mlp expert_ffn_hidden_size block_ff_dim",
    8: "head_dim attention_head_dim global_head_dim swa_head_dim v_head_dim swa_v_head_dim qk_nope_head_dim "
    "qk_head_dim qk_rope_head_dim kv_channels mamba_head_dim mamba_d_head mamba_headdim linear_key_head_dim "
    "linear_value_head_dim linear_head_dim index_head_dim mamba_n_heads mamba_num_heads n_mamba_heads state_size "
    "mamba_d_state ssm_state_size time_step_rank mamba_dt_rank mamba_state_dim hidden_size_per_layer_input laurel_rank "
    "rotary_dim",
    16: "index_n_heads kv_lora_rank q_lora_rank o_lora_rank",
    WINDOW: "sliding_window attention_chunk_size window_size sliding_window_size",
    256: "max_position_embeddings n_positions n_ctx",
    VOCABULARY: "vocab_size text_vocab_size vocab_size_per_layer_input",
    0: "num_nextn_predict_layers",
    28: "image_size",
    14: "patch_size",
}
_SIZES = {name: size for size, names in _NAMED.items() for name in names.split()}

_LATENT = {"num_key_value_heads": 4, "head_dim": 8, "qk_head_dim": 16}  # attention over latents: a key for each head
_HEADS = {"head_dim": 8}  # where the default is None, and code divides by it
_SECTIONS = {"rope_theta": 10000.0, "rope_type": "default", "mrope_section": [1, 1, 2]}
_GEMMA4 = {
    "num_kv_shared_layers": 2,
    "per_layer_config": {},
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}
_MROPE = {"text_config": {"rope_parameters": _SECTIONS}}
_MROPE_HALF = {"text_config": {"rope_parameters": {**_SECTIONS, "mrope_section": [1, 1]}}}

CHANGES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        (
            "axk1", "axk2", "bailing_hybrid", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa",
            "kimi_linear", "longcat_flash", "minicpm3", "youtu",
        ),
        _LATENT,
    ),
    **dict.fromkeys(("hunyuan_v1_dense", "ministral", "mixtral"), _HEADS),
    "hunyuan_v1_moe": {**_HEADS, "moe_topk": 2, "num_experts": 4},
    **dict.fromkeys(("gemma4_text", "gemma4_unified_text"), _GEMMA4),
    **dict.fromkeys(("gemma4", "gemma4_unified"), {"text_config": _GEMMA4}),
    "gemma3n_text": {"intermediate_size": 48, "activation_sparsity_pattern": [0.0] * BLOCKS},
    "gemma3n": {"text_config": {"intermediate_size": 48, "activation_sparsity_pattern": [0.0] * BLOCKS}},
    "bamba": {"attn_layer_indices": [1, 3], "mamba_n_heads": 8, "mamba_d_head": 8},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 2},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "attention_layers": ["global", "local"] * 2},
    "deepseek_v2": {**_LATENT, "num_experts_per_tok": 2, "n_routed_experts": 4, "first_k_dense_replace": 1},
    "kimi_k25": {"text_config": _LATENT},
    "hunyuan_vl": {"text_config": _HEADS},
    "step3p7": {"text_config": {"sliding_window": WINDOW}},
    "xmod": {"is_decoder": True, "default_language": "en_XX"},
    "dots1": {"num_experts_per_tok": 2, "n_routed_experts": 4, "n_shared_experts": 1},
    "zamba": {"attention_hidden_size": 64, "attention_head_dim": 16, "n_mamba_heads": 2, "mamba_dt_rank": 2},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"num_heads": 8, "expand": 2, "n_groups": 2},
    "nemotron": {"num_key_value_heads": 2},
    "laguna": {"num_attention_heads_per_layer": [4] * BLOCKS},
    "xlnet": {"d_head": 8, "d_inner": 48},
    "zamba2": {
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "mamba_headdim": 8,
        "num_query_groups": 4,
        "num_key_value_heads": 4,
        "adapter_rank": 8,
        "hybrid_layer_ids": [1, 3],
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
    },
    "zaya": {"num_experts_per_tok": 1},
    "reformer": {"is_decoder": True},
    **dict.fromkeys(("qwen2_5_vl", "qwen2_vl", "glm4v", "glm46v", "glmga", "paddleocr_vl"), _MROPE),
    **dict.fromkeys(("glm4v_moe", "glm_ocr"), _MROPE_HALF),
    # Encoders have a causal class too, for those that were trained as decoders.
    **dict.fromkeys(
        (
            "bert", "bert-generation", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "megatron-bert",
            "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer", "xlm-roberta", "xlm-roberta-xl",
        ),
        {"is_decoder": True},
    ),
}


NAMES = tuple(dict.fromkeys([*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES]))
"""All families of causal models, for text alone or for images and text."""


def config_of(model_type: str) -> Any:
    """A small configuration of a family."""
    kind = CONFIG_MAPPING[model_type]
    return kind(**_small(kind().to_dict(), CHANGES.get(model_type, {})))


def model_of(model_type: str) -> PreTrainedModel:
    """A tiny model of a family, as a checkpoint of it would be: one for images and text where there is one.

    Matrices are larger than the usual initialisation, so that blocks do something and choices have clear margins.
    """
    config = config_of(model_type)
    images: Any = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    kind: Any = images[type(config)] if type(config) in images else MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = kind(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(std=0.25)
    return model.eval().requires_grad_(False)


def _small(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict) and "model_type" in value:
            made[name] = _small(value, changes.get(name, {}))
        elif name in changes:
            made[name] = changes[name]
        elif name in _SIZES and isinstance(value, int) and not isinstance(value, bool):
            made[name] = _SIZES[name]
        elif name in ("layer_types", "mlp_layer_types", "layers_block_type", "block_types") and isinstance(value, list):
            made[name] = (list(dict.fromkeys(value)) * BLOCKS)[:BLOCKS]  # all kinds of blocks that it has
        elif name.endswith("token_id") and isinstance(value, int):
            made[name] = min(value, VOCABULARY - 20 + len(name) % 17)
        elif name != "transformers_version" and not name.startswith("_"):
            made[name] = value
    return made
