"""Finds the decoder blocks of any causal model, and the residual stream in their outputs.

Block ℓ counts from 0; its output is "the residual stream at ℓ" (in transformers `hidden_states[ℓ+1]`, except the last
entry, which is taken after the final norm). Most families return a tensor (B, T, d) from a block, Falcon, Bloom and
a few others a tuple that starts with it; everything that reads or replaces a block's output goes through here.
"""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn

from playground.errors import ModelError

_NAMES = ("layers", "h", "blocks")  # Llama and most; GPT-2, GPT-J, Falcon, Bloom; MPT


def decoder(model: nn.Module) -> nn.Module:
    """The module that embeds tokens and runs the blocks, without the language-model head.

    In a multimodal model it is the language model. Errors: ModelError when the model has no such module.
    """
    find = getattr(model, "get_decoder", None)
    found = find() if callable(find) else model
    if not isinstance(found, nn.Module):
        raise ModelError(f"Expected a causal decoder model, got {type(model).__name__}, which has no decoder")
    if _blocks_of(found) is not None:
        return found
    # Some families answer with a model that still has its head around the decoder (Llama 4), or with that head itself.
    for whole in (found, model):
        inside = [module for module in whole.modules() if hasattr(module, "config") and _blocks_of(module) is not None]
        if inside:
            return inside[0]
    return found


def decoder_blocks(model: nn.Module) -> nn.ModuleList:
    """The decoder blocks of `model`, in the order they run: block ℓ is `decoder_blocks(model)[ℓ]`.

    Errors: ModelError when no list of blocks is found.
    """
    blocks = _blocks_of(decoder(model))
    if blocks is None:
        raise ModelError(
            f"Expected a model made of decoder blocks, got {type(model).__name__}, in which none were found; "
            "choose a causal language model such as a Llama, Qwen, Gemma, Mistral or GPT-2"
        )
    return blocks


def _blocks_of(body: nn.Module) -> nn.ModuleList | None:
    """The list of blocks that is a child of `body`: by its name, else by its length."""
    for name in _NAMES:
        blocks = getattr(body, name, None)
        if isinstance(blocks, nn.ModuleList) and len(blocks) > 0:
            return blocks
    count = getattr(getattr(body, "config", None), "num_hidden_layers", None)
    lists = [child for child in body.children() if isinstance(child, nn.ModuleList) and len(child) == count]
    return lists[0] if len(lists) == 1 else None


def counts_positions(model: nn.Module) -> bool:
    """Whether the model is told the place of each token; others work from the attention mask (ALiBi), or need none."""
    forward: Any = model.forward
    return "position_ids" in inspect.signature(forward).parameters


def width(model: nn.Module) -> int:
    """d, the width of the residual stream.

    Errors: ModelError when the decoder's configuration does not say.
    """
    config: Any = decoder(model).config
    found = getattr(config.get_text_config(), "hidden_size", None)
    if not isinstance(found, int):
        raise ModelError(f"Expected a decoder with a hidden_size in its configuration, got {type(config).__name__}")
    return found


def block_output(output: Any) -> Tensor:
    """The residual stream (B, T, d) in what a block returned, a tensor or a tuple or list that starts with one."""
    tensor = output[0] if isinstance(output, tuple | list) else output
    if not isinstance(tensor, Tensor):
        raise ModelError(
            f"Expected blocks that return a tensor, or a tuple with one first, got {type(output).__name__}"
        )
    return tensor


def replace_block_output(output: Any, tensor: Tensor) -> Any:
    """The block's output with its residual stream replaced by `tensor`, in the form it had."""
    if isinstance(output, list):
        return [tensor, *output[1:]]
    return (tensor, *output[1:]) if isinstance(output, tuple) else tensor


def where_others_are_idle(block: nn.Module) -> list[nn.Module]:
    """Modules of a block that need not run at positions whose output is not read: its MLP, and where they are modules
    of their own the query and output projections of its attention. Each treats every position by itself.
    """
    attention = getattr(block, "self_attn", None)
    modules = [getattr(block, "mlp", None), getattr(attention, "q_proj", None), getattr(attention, "o_proj", None)]
    return [module for module in modules if isinstance(module, nn.Module)]
