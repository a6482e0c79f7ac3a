"""Asks a model with quantised weights whether gradients through its blocks are right: many have none, or wrong ones.

Its text can be steered all the same; what takes gradients is refused. Models with plain weights are not asked.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass
from transformers import PreTrainedModel

from playground.core.out_of_memory import is_out_of_memory
from playground.errors import ModelError
from playground.model.blocks import decoder_blocks
from playground.model.steering import BlockCall, capture_block_inputs

_TOKENS = 8
_DEPTH = 2
"""Blocks that the trial goes through."""
_STEPS = (0.03, 0.1, 0.3)
"""Sizes of the finite differences, as shares of the residual stream's norm: the one that agrees best counts, since
small ones drown in rounding and large ones see the curvature.
"""
_TOLERANCE = 0.05
_TOLERANCE_HALF = 0.15
"""Share of the difference that the derivative may be off by, in 32 bits and in 16. Wrong ones are off by half and more.
"""

_REASONS: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def is_quantised(model: nn.Module) -> bool:
    """Whether weights are kept as something else than floating-point numbers of 16 bits or more."""
    return getattr(model, "quantization_method", None) is not None or any(
        is_traceable_wrapper_subclass(weight) or not weight.is_floating_point() or weight.element_size() < 2
        for weight in model.parameters()
    )


def check_derivatives(model: PreTrainedModel) -> None:
    """Raises ModelError, one sentence, where a quantised model's derivatives are missing or wrong; asked once a model.

    Runs on the kernels that are set: `twice_differentiable` calls it inside of itself.
    """
    if model not in _REASONS:
        _REASONS[model] = _reason(model) if is_quantised(model) else ""
    if _REASONS[model]:
        raise ModelError(
            "Expected a model whose derivatives are right, but through this one's quantised weights "
            f"{_REASONS[model]}; load the checkpoint that it was made from, in bfloat16 or float32. This one can be "
            "steered, not searched."
        )


def _reason(model: PreTrainedModel) -> str:
    """What is wrong with the derivatives, "" when nothing is."""
    try:
        off, tolerance = _deviation(model)
    except (RuntimeError, NotImplementedError, AttributeError, TypeError, AssertionError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())[:120] or type(error).__name__
        return f"none can be taken (“{said}”)"
    return "" if off <= tolerance else f"they are off from finite differences by {100 * off:.0f} %"


def _deviation(model: PreTrainedModel) -> tuple[float, float]:
    """How far J v, by the products that the solvers take, is from differences, as a share; and how far it may be."""
    generator = torch.Generator().manual_seed(0)
    blocks = decoder_blocks(model)
    source = max(0, (len(blocks) - 1 - _DEPTH) // 2)
    above = range(source + 1, min(source + 1 + _DEPTH, len(blocks)))
    embeddings: Any = model.get_input_embeddings()
    ids = torch.randint(0, int(embeddings.weight.shape[0]), (1, _TOKENS), generator=generator).to(model.device)
    if not above:
        return 0.0, 0.0
    with torch.no_grad(), capture_block_inputs(model, above) as calls:
        model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    stream = calls[above[0]].hidden_states
    direction = torch.randn(stream.shape[-1], generator=generator).to(stream.device, torch.float32)
    direction = direction * stream.float().norm(dim=-1).median() / direction.norm()

    def run(theta: Tensor) -> Tensor:
        states = (stream + theta).to(stream.dtype)
        for layer in above:
            call: BlockCall = calls[layer]
            states = call(blocks[layer], states)
        return states.float()

    with torch.enable_grad():
        theta = torch.zeros_like(direction, requires_grad=True)
        out = run(theta)
        cotangent = torch.zeros_like(out, requires_grad=True)
        (pulled,) = torch.autograd.grad(out, theta, cotangent, create_graph=True)
        (moved,) = torch.autograd.grad(pulled, cotangent, direction)
    with torch.no_grad():
        offs = []
        for step in _STEPS:
            difference = (run(step * direction) - run(-step * direction)) / (2 * step)
            offs.append(float((moved - difference).norm() / difference.norm()))
    return min(offs), _TOLERANCE_HALF if stream.element_size() < 4 else _TOLERANCE
