"""The organism's network, and its forward pass in training, where the residual stream is disturbed on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM


@dataclass(frozen=True)
class NetworkSize:
    """Widths and depth. The default has 6.1 million parameters, 24.6 MB in float32."""

    blocks: int = 12
    width: int = 256
    heads: int = 4
    key_heads: int = 2
    head_width: int = 64
    inner: int = 352


def make_network(size: NetworkSize, tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen3ForCausalLM:
    """A new network in float32, its weights drawn from `seed`; the caller's random state is left as it was."""
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.blocks,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_heads,
        head_dim=size.head_width,
        max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Qwen3ForCausalLM(config)
        # Outputs that are added to the residual stream start small, so that twelve blocks start as a shallow network.
        for block in network.model.layers:
            for matrix in (block.self_attn.o_proj.weight, block.mlp.down_proj.weight):
                torch.nn.init.normal_(matrix, std=0.02 / (2 * size.blocks) ** 0.5)
    network.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=96,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return network


@dataclass(frozen=True)
class Disturbance:
    """What is done to the residual stream of each row of a batch of B.

    `kept` (B, d) is 0 where a feature is dropped, at every position and after every block. `push` (B, d) is added at
    all positions to the output of block `block` (B,), -1 for rows without a push; its norm is in units of that row's
    mean residual norm there, which is detached: growing the stream does not drown a push.
    """

    kept: Tensor
    block: Tensor
    push: Tensor


@dataclass(frozen=True)
class Pass:
    """Logits (B, L, vocabulary); the mean square of the residual stream by block (blocks,); the streams if kept."""

    logits: Tensor
    mean_square: Tensor
    streams: tuple[Tensor, ...]


def disturbed_pass(
    network: Qwen3ForCausalLM, ids: Tensor, disturbance: Disturbance | None, real: Tensor, keep: bool
) -> Pass:
    """A causal pass over right-padded `ids` (B, L); `real` (B, L) is 1 on tokens and 0 on padding."""
    decoder = network.model
    hidden = decoder.embed_tokens(ids)
    positions = torch.arange(ids.shape[1], device=ids.device)[None]
    rotary = decoder.rotary_emb(hidden, positions)
    weight = (real / real.sum()).unsqueeze(-1)
    kept = None if disturbance is None else disturbance.kept.unsqueeze(1)
    pushed_blocks = set() if disturbance is None else set(disturbance.block.tolist())
    squares, streams = [], []
    for number, block in enumerate(decoder.layers):
        if kept is not None:
            hidden = hidden * kept
        hidden = block(hidden, position_embeddings=rotary, attention_mask=None)
        if disturbance is not None and number in pushed_blocks:
            rows = (disturbance.block == number).to(hidden.dtype)
            lengths = hidden.detach().norm(dim=-1)
            typical = (lengths * real).sum(dim=1) / real.sum(dim=1)
            hidden = hidden + ((rows * typical).unsqueeze(-1) * disturbance.push).unsqueeze(1)
        squares.append((hidden.square().mean(dim=-1, keepdim=True) * weight).sum())
        if keep:
            streams.append(hidden.detach())
    if kept is not None:
        hidden = hidden * kept
    logits = network.lm_head(decoder.norm(hidden))
    return Pass(logits, torch.stack(squares), tuple(streams))
