"""Which hooks a model has. Compare with before: transformers leaves its own where hidden states were asked for."""

from __future__ import annotations

from torch import nn


def hooks(model: nn.Module) -> list[tuple[int, ...]]:
    """The identities of its forward hooks, module by module."""
    return [(*module._forward_hooks, *module._forward_pre_hooks) for module in model.modules()]
