"""Memory budgets for linearising and generating, and estimates of what they take."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import torch
from transformers import PretrainedConfig

from playground.core.out_of_memory import is_out_of_memory
from playground.errors import ModelError
from playground.model.load import LoadedModel, free_ram

_LOG = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

SHARE_OF_FREE = {"cuda": 0.7, "mps": 0.5, "cpu": 0.4}  # the rest is for generation, fragmentation, other programs

# Numbers kept for a token by one block, forward and backward graph together: widths d and attention maps, in float32
# also in 16-bit models, whose norms and softmax are, and widths of the MLP in the model's own type. Counted on 14
# families, each with two widths of the MLP (tests/model/allocated.py): 6 to 26 d, the most where the MLP keeps few
# (Gemma 3); 3 maps, Gemma 2 5; 0 to 9 of the MLP. Bloom's 56 d in all are about these 22 and 9 times 4.
_KEPT_WIDTHS = 22
_KEPT_MAPS = 4
_KEPT_MLP = 9
# Without graphs, roughly: a block's MLP and attention at work on a token; logits, their copy, softmax, order and sum.
_READ_WIDTHS = 24
_READ_LOGITS = 6


def allocated(device: torch.device) -> int | None:
    """Bytes of the tensors that are on `device` now; None where they are not counted (CUDA only)."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else None


def default_budget(device: torch.device) -> int:
    """Bytes that may be used on `device` by default: a share of what is free now."""
    return int(SHARE_OF_FREE.get(device.type, SHARE_OF_FREE["cpu"]) * _free(device))


def graph_bytes(loaded: LoadedModel, prompts: int, length: int, depth: int, keys: int | None = None) -> int:
    """About how much the graphs of `depth` blocks take for `prompts` prompts, padded to `length` tokens.

    `keys` is how many tokens each of them may attend to, `length` when it is None.
    """
    config = loaded.model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    number = 8 if loaded.dtype == torch.float64 else 4
    wide = number * (_KEPT_WIDTHS * loaded.width + _KEPT_MAPS * heads * (keys or length))
    return prompts * length * depth * (wide + loaded.dtype.itemsize * _KEPT_MLP * _mlp_width(config, loaded.width))


def generation_rows(loaded: LoadedModel, length: int) -> int:
    """About how many texts of `length` tokens, prompt included, fit into memory at once; at least 1."""
    config = loaded.model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    head = getattr(config, "head_dim", None) or loaded.width // heads
    cached = 2 * loaded.block_count * (getattr(config, "num_key_value_heads", None) or heads) * head
    # While the prompt is read, one block's numbers of every token are there, and the logits of the last one.
    row = (cached + _READ_WIDTHS * loaded.width) * length * loaded.dtype.itemsize + _READ_LOGITS * 4 * config.vocab_size
    return max(1, int(default_budget(loaded.device) // row))


@contextmanager
def short_of_memory(
    loaded: LoadedModel,
    room: str = "",
    advice: str = "use fewer or shorter prompts, fewer vectors at a time, or a smaller memory budget",
) -> Iterator[None]:
    """Running out of the device's memory inside is a ModelError, one sentence, after all that could be done smaller.
    `room` is what there is none for ("for 8 texts"), and `advice` what to do.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        where = f"{room} on {loaded.device}" if room else f"on {loaded.device} for what was asked of {loaded.name}"
        raise ModelError(f"Expected room {where}, but its memory ran out; {advice}.") from error


def within_memory(function: Callable[Concatenate[LoadedModel, P], R]) -> Callable[Concatenate[LoadedModel, P], R]:
    """Decorator of what works on a model: memory that runs out anywhere inside is one sentence (`short_of_memory`)."""

    @functools.wraps(function)
    def guarded(loaded: LoadedModel, /, *args: P.args, **named: P.kwargs) -> R:
        with short_of_memory(loaded):
            return function(loaded, *args, **named)

    return guarded


def smaller_batch(size: int, error: ModelError) -> int:
    """Half of a number of texts for which memory ran out; raises `error` again for one text, and for another cause."""
    if not is_out_of_memory(error.__cause__) or size == 1:
        raise error
    _LOG.info("out of memory: %d texts in a batch from here on", size // 2)
    return size // 2


def _mlp_width(config: PretrainedConfig, width: int) -> int:
    """Hidden width of a block's MLP for one token, chosen experts together; 4 d where its name is unknown."""
    experts = getattr(config, "num_experts_per_tok", None)
    names = ("moe_intermediate_size",) * bool(experts) + ("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner")
    sizes = [size for name in names if (size := getattr(config, name, None))]
    if not sizes:
        return 4 * width
    of_one = max(sizes[0]) if isinstance(sizes[0], list | tuple) else sizes[0]  # some families give one a block
    return int(of_one * (experts or 1))


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return free_ram()
