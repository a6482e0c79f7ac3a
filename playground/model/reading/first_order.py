"""First-order change of next-token logits along directions: D(unembed ∘ norm) at h · J v, h the last block's output.

J is that of the blocks between, exact (model/cut/layer_slice.py) or somebody else's; the derivative of final norm and
head is taken through the model's own, by reverse mode twice (Townsend, 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from playground.model.activations import residual_stream
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.reading.question_pass import head

_LOGITS_TOGETHER = 1 << 23
"""Logits that are differentiated at once: five arrays of 32 MB in float32."""


def images(
    loaded: LoadedModel,
    prompts: Encoded,
    source: int,
    rows: Tensor,
    memory_budget: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Tensor:
    """J v, (k, n, d) in float32 or wider: what `rows` (k, d), added at every position at `source`, change at the last
    token of each prompt in the last block's output, to first order. At the last block they are the rows themselves.

    Raises InputError for a layer that is not there, ModelError when memory runs out, Cancelled after a cancel.
    """
    last = loaded.block_count - 1
    if source == last:
        wide = torch.promote_types(loaded.dtype, torch.float32)
        return rows.to(loaded.device, wide)[:, None].expand(-1, len(prompts), -1)
    part = LayerSlice.prepare(loaded, prompts, source, last, 1, memory_budget, cancelled)
    moved: Tensor = part.jacobian().matmat(rows).unflatten(1, (len(prompts), -1))
    return moved * math.sqrt(len(prompts))


@torch.no_grad()
def last_output(loaded: LoadedModel, prompt: Encoded) -> Tensor:
    """(d,): the last block's output at the last token of a prompt, a batch of one."""
    state: Tensor = residual_stream(loaded, prompt, loaded.block_count - 1)[0, -1]
    return state


def logit_changes(loaded: LoadedModel, state: Tensor, changes: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (V,) of the last block's output `state` (d,), and their derivative (k, V) along `changes` (k, d); both in
    float32 or wider.
    """
    together = max(1, _LOGITS_TOGETHER // loaded.model.config.get_text_config().vocab_size)
    logits, parts = None, []
    for some in changes.split(together):
        with torch.enable_grad():
            states = state.detach().expand(len(some), -1).clone().requires_grad_()
            out = head(loaded, states)
            cotangent = torch.zeros_like(out, requires_grad=True)
            (pulled_back,) = torch.autograd.grad(out, states, cotangent, create_graph=True)
            (moved,) = torch.autograd.grad(pulled_back, cotangent, some.to(pulled_back))
        logits = out[0].detach()
        parts.append(moved.detach())
    assert logits is not None
    wide = torch.promote_types(logits.dtype, torch.float32)
    return logits.to(wide), torch.cat(parts).to(wide)
