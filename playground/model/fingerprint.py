"""A short name for a model's weights, kept in files so that a vector set knows which model it came from."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from playground.model.blocks import decoder

_SETTINGS = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "vocab_size",
)
_PARAMETERS = 32  # as many weight tensors, evenly over the model, …
_ENTRIES = 256  # … and as many entries of each are read: a fine-tune changes nearly all of them


def fingerprint(model: nn.Module) -> str:
    """16 hexadecimal digits: SHA-256 over the decoder's shape and a sample of the model's weights.

    The sample is rounded to bfloat16 first, so a float32 checkpoint has one fingerprint whether it is loaded in
    float32, float64 or bfloat16, and so has a bfloat16 one. Loading in float16 may change it: that rounds twice, and
    its range is smaller. Of quantised weights it is the numbers that they stand for. Devices and offloading make no
    difference.
    """
    whole: Any = decoder(model).config
    config = whole.get_text_config(decoder=True)
    digest = hashlib.sha256(json.dumps([getattr(config, name, None) for name in _SETTINGS]).encode())
    # With the second names of tied weights: offloaded ones are no longer seen to be the same.
    named = sorted(model.named_parameters(remove_duplicate=False), key=lambda pair: pair[0])
    for index in _spread(len(named), _PARAMETERS):
        name, parameter = named[index]
        values = _real(model, name, parameter).flatten()
        sample = values[torch.tensor(_spread(len(values), _ENTRIES), device=values.device)]
        digest.update(sample.to(torch.bfloat16).view(torch.int16).cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _spread(count: int, wanted: int) -> list[int]:
    """Up to `wanted` different indices below `count`, evenly from the first to the last."""
    if count <= wanted:
        return list(range(count))
    return [index * (count - 1) // (wanted - 1) for index in range(wanted)]


def _real(model: nn.Module, name: str, parameter: Tensor) -> Tensor:
    """The values of a parameter, fetched from where accelerate keeps them when it is offloaded."""
    if parameter.device.type != "meta":
        plain = parameter.detach()
        # Quantised tensors of their own class have few of a tensor's operations.
        return plain.dequantize() if is_traceable_wrapper_subclass(plain) else plain
    from accelerate.utils import align_module_device

    owner, _, attribute = name.rpartition(".")
    module = model.get_submodule(owner)
    with align_module_device(module, "cpu"):
        weights: Tensor = getattr(module, attribute)
        return weights.detach().clone()
