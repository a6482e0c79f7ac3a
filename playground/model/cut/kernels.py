"""Running a model on kernels that can be differentiated twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from playground.model.cut.derivatives import check_derivatives


@contextmanager
def twice_differentiable(model: PreTrainedModel) -> Iterator[None]:
    """Let the model run on kernels that can be differentiated twice; what was chosen before is restored.

    Scaled-dot-product attention stays, on its mathematical kernel; other fused attention (flash, flex, from the Hub)
    gives way to eager attention, and fused experts to the plain loop over experts. Raises ModelError for quantised
    weights through which derivatives are missing or wrong.
    """
    attention: Any = getattr(model.config, "_attn_implementation", None)
    experts: Any = getattr(model.config, "_experts_implementation", None)
    kernel = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    swap_attention = attention not in (None, "eager", "sdpa")
    swap_experts = experts not in (None, "eager")
    try:
        if swap_attention:
            model.set_attn_implementation("eager")
        if swap_experts:
            model.set_experts_implementation("eager")
        with kernel:
            check_derivatives(model)
            yield
    finally:
        if swap_attention:
            model.set_attn_implementation(attention)
        if swap_experts:
            model.set_experts_implementation(experts)
