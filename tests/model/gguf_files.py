"""Writes a tiny Llama as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path

from gguf import GGMLQuantizationType, GGUFWriter, quants

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def interleaved(weight, heads: int):
    """Rows of queries and keys in llama.cpp's order of rotary pairs."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def write(loaded, path: Path, kind: GGMLQuantizationType | None = None, architecture: str = "llama") -> Path:
    """The file that llama.cpp's converter writes for a tiny Llama, matrices of the `kind` given."""
    config, writer = loaded.model.config, GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    inner = json.loads(loaded.tokenizer.backend_tokenizer.to_str())
    words = [word for word, _ in sorted(loaded.tokenizer.get_vocab().items(), key=lambda item: item[1])]
    special = set(loaded.tokenizer.all_special_tokens)
    # The embedding has more rows than the tokenizer has words.
    words += [f"<unused{number}>" for number in range(config.vocab_size - len(words))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word in special or word.startswith("<unused") else 1 for word in words])
    writer.add_token_merges([" ".join(pair) for pair in inner["model"]["merges"]])
    writer.add_bos_token_id(loaded.tokenizer.bos_token_id)
    writer.add_eos_token_id(loaded.tokenizer.eos_token_id)
    writer.add_add_bos_token(True)
    writer.add_chat_template(loaded.tokenizer.chat_template)
    for name, tensor in loaded.model.state_dict().items():
        weight, raw = tensor.float().numpy(), None
        if name.startswith("model.layers."):
            _, _, number, *rest = name.split(".")
            inside, _, suffix = ".".join(rest).rpartition(".")
            if inside.endswith(("q_proj", "k_proj")):
                heads = config.num_attention_heads if "q_proj" in inside else config.num_key_value_heads
                weight = interleaved(weight, heads).copy()
            name = f"blk.{number}.{NAMES[inside]}.{suffix}"
        else:
            name = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}.get(
                name, "output.weight"
            )
        if kind is not None and weight.ndim == 2 and weight.shape[1] % 32 == 0:
            weight, raw = quants.quantize(weight, kind), kind
        writer.add_tensor(name, weight, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
