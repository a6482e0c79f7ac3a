"""Tiny causal models with random weights, one for each architecture that matters, with real tokenizers.

They are saved as ordinary model directories, so that tests load them as a user would load any model. Weights are
larger than the usual initialisation, so that blocks do something and arg-max choices have clear margins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

BLOCKS = 4
WIDTH = 32
MAX_POSITIONS = 256

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)
# Llama's templates write the beginning-of-text token themselves; Gemma's refuse the system role.
WITH_BOS = "{{ bos_token }}" + CHATML
NO_SYSTEM = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)

_CORPUS = (
    "The quick brown fox jumps over the lazy dog. How do I bake a loaf of bread? I can't help with that.",
    "First, take a clean bowl. Second, add the flour and the water. (A) yes (B) no. Does it help? Yes, it does.",
    "def add(a, b):\n    return a + b\n\nclass Point:\n    def __init__(self, x, y):\n        self.x = x",
    "naïve café, 日本語, emoji 🙂 and some numbers 3 + 4 = 7, 12 × 12 = 144.",
)


def tokenizer(template: str | None = CHATML, bos: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of about 400 tokens; with `bos` it puts <|bos|> before every plain text."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|bos|>"]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(_CORPUS, trainer)
    if bos:
        inner.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", special_tokens=[("<|bos|>", inner.token_to_id("<|bos|>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<|bos|>" if bos else None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=template,
        clean_up_tokenization_spaces=False,
    )


_HEADS: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 64,
    "num_hidden_layers": BLOCKS,
    "num_attention_heads": 4,
    "max_position_embeddings": MAX_POSITIONS,
}
_GROUPED: dict[str, Any] = {**_HEADS, "num_key_value_heads": 2}
_SMALL_WINDOW: dict[str, Any] = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"] * 2}

# name: (model type, configuration, tokenizer settings)
ARCHITECTURES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "llama": ("llama", _GROUPED, {"bos": True, "template": WITH_BOS}),
    "qwen2": ("qwen2", _GROUPED, {}),
    "qwen3": ("qwen3", {**_GROUPED, "head_dim": 8, "tie_word_embeddings": True}, {}),
    "qwen3_moe": (
        "qwen3_moe",
        {**_GROUPED, "head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
        {},
    ),
    "mistral": ("mistral", {**_GROUPED, "sliding_window": 16, "head_dim": 8}, {"bos": True, "template": WITH_BOS}),
    "gpt2": (
        "gpt2",
        {"n_embd": WIDTH, "n_layer": BLOCKS, "n_head": 4, "n_positions": MAX_POSITIONS},
        {"template": None},
    ),
    "gemma2": ("gemma2", {**_GROUPED, **_SMALL_WINDOW, "head_dim": 8}, {"bos": True, "template": NO_SYSTEM}),
    "gemma3": ("gemma3_text", {**_GROUPED, **_SMALL_WINDOW, "head_dim": 8}, {"bos": True, "template": NO_SYSTEM}),
    "falcon": (
        "falcon",
        {"hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": 4, "alibi": False},
        {},
    ),
    "bloom": ("bloom", {"hidden_size": WIDTH, "n_layer": BLOCKS, "n_head": 4}, {}),
    "opt": (
        "opt",
        {**_HEADS, "ffn_dim": 64, "word_embed_proj_dim": WIDTH},
        {"template": None, "bos": True},
    ),
    "gpt_neox": ("gpt_neox", _HEADS, {"template": None}),
    "phi3": ("phi3", _GROUPED, {}),
    "olmo2": ("olmo2", _GROUPED, {}),
}
NAMES = tuple(ARCHITECTURES)


def build(name: str, folder: Path, **changes: Any) -> Path:
    """Write the model directory `folder/name` for one architecture; `changes` go into its configuration."""
    model_type, settings, tokenizer_settings = ARCHITECTURES[name]
    words = tokenizer(**tokenizer_settings)
    tokens = {
        "vocab_size": len(words),
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
        "bos_token_id": words.bos_token_id,
    }
    config = CONFIG_MAPPING[model_type](**{**settings, **tokens, **changes})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(std=0.25)
    # Plain greedy decoding that does not end by itself, so that tests see as many tokens as they ask for.
    model.generation_config.pad_token_id = words.pad_token_id
    path = folder / name
    model.save_pretrained(path)
    words.save_pretrained(path)
    return path
