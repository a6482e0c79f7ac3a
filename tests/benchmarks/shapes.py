"""Models of published shapes with random weights: speed and memory do not depend on the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from playground.model.load import LoadedModel
from playground.model.prompting import Encoded


@dataclass(frozen=True)
class Shape:
    """The shape of a Qwen3 model, and the layers that power iteration looks at."""

    width: int
    mlp: int
    blocks: int
    heads: int
    source: int
    target: int


SHAPES = {
    "Qwen3-1.7B": Shape(2048, 6144, 28, 16, 7, 20),
    "Qwen3-14B": Shape(5120, 17408, 40, 40, 7, 32),
}


def random_model(name: str, shape: Shape, device: torch.device | None = None) -> LoadedModel:
    """bfloat16, without a tokenizer, on `device` or the current CUDA device."""
    config = Qwen3Config(
        hidden_size=shape.width,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.blocks,
        num_attention_heads=shape.heads,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
    )
    device = device or torch.device("cuda", torch.cuda.current_device())
    torch.manual_seed(0)
    with device:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model = model.eval().requires_grad_(False)
    return LoadedModel(
        model=model,
        tokenizer=None,  # type: ignore[arg-type]
        name=f"{name} (random weights)",
        revision=None,
        device=device,
        dtype=torch.bfloat16,
        fingerprint="0" * 16,
        block_count=shape.blocks,
        width=shape.width,
        max_positions=config.max_position_embeddings,
        parameters=model.num_parameters(),
        memory_bytes=model.get_memory_footprint(),
    )


def random_prompts(loaded: LoadedModel, lengths: Sequence[int]) -> Encoded:
    """Random tokens of these lengths, left-padded."""
    longest = max(lengths)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, 100_000, (len(lengths), longest), generator=generator)
    mask = (torch.arange(longest) >= longest - torch.tensor(lengths)[:, None]).long()
    return Encoded(ids, mask, tuple(lengths))
