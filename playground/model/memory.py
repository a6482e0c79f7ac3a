"""How much memory linearising and generating may take, and how much they will."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from playground.errors import ModelError
from playground.model.load import LoadedModel

_SHARE_OF_FREE = {"cuda": 0.7, "mps": 0.5, "cpu": 0.4}  # the rest is for generation, fragmentation, other programs

# Numbers kept for a token by one block, forward and backward graph together: widths d, and attention maps. Measured on
# Qwen3, Llama and GPT-2 shapes: 43 to 48 d and 3 maps.
_KEPT_WIDTHS = 50
_KEPT_MAPS = 4
# Without graphs, roughly: a block's MLP and attention at work on a token; logits, their copy, softmax, order and sum.
_READ_WIDTHS = 24
_READ_LOGITS = 6


def default_budget(device: torch.device) -> int:
    """Bytes that may be used on `device` when nobody says: a share of what is free now."""
    return int(_SHARE_OF_FREE.get(device.type, _SHARE_OF_FREE["cpu"]) * _free(device))


def graph_bytes(loaded: LoadedModel, prompts: int, length: int, depth: int, keys: int | None = None) -> int:
    """About how much the graphs of `depth` blocks take for `prompts` prompts, padded to `length` tokens.

    `keys` is how many tokens each of them may attend to, `length` when it is None.
    """
    config = loaded.model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    number = 8 if loaded.dtype == torch.float64 else 4  # norms and softmax are float32 in 16-bit models too
    return prompts * length * depth * number * (_KEPT_WIDTHS * loaded.width + _KEPT_MAPS * heads * (keys or length))


def generation_rows(loaded: LoadedModel, length: int) -> int:
    """About how many texts of `length` tokens, prompt included, fit into memory at once; at least 1."""
    config = loaded.model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    head = getattr(config, "head_dim", None) or loaded.width // heads
    cached = 2 * loaded.block_count * (getattr(config, "num_key_value_heads", None) or heads) * head
    # While the prompt is read, one block's numbers of every token are there, and the logits of the last one.
    row = (cached + _READ_WIDTHS * loaded.width) * length * loaded.dtype.itemsize + _READ_LOGITS * 4 * config.vocab_size
    return max(1, default_budget(loaded.device) // row)


@contextmanager
def short_of_memory(loaded: LoadedModel) -> Iterator[None]:
    """Running out of the device's memory inside is a ModelError, one sentence, after all that could be done smaller."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"Expected room on {loaded.device} for what was asked of {loaded.name}, but its memory ran out; use fewer "
            "or shorter prompts, fewer vectors at a time, or a smaller memory budget."
        ) from error


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    import psutil  # accelerate depends on it

    return psutil.virtual_memory().available
