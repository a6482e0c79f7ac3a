"""Reference norm of the residual stream, and attention sinks: the positions whose norm dwarfs all others.

Real models hold a few positions, the first token above all, at norms 10 to 200 times those of the others (massive
activations: Sun et al., 2024; attention sinks: Xiao et al., 2024). A mean over positions measures those few, and grows
as prompts get shorter; the median does not.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.errors import ModelError

SINK_RATIO = 10.0
"""A position is a sink when its norm exceeds this many times the median norm of its prompt. In SmolLM2-135M the first
token has 17 to 171 times it in blocks 11 to 28 and at most 9.7 in the others, other tokens at most 2.3 times."""


def token_norms(stream: Tensor, mask: Tensor) -> Tensor:
    """Norms (N,) float32 on the CPU of the N positions of `stream` (b, T, d) that `mask` (b, T) marks."""
    norms: Tensor = stream[mask].float().norm(dim=1)
    return norms.cpu()


def median(norms: Tensor) -> float:
    """Median of `norms` (N,); of an even number the mean of the two in the middle. Raises ModelError for numbers that
    are not finite.
    """
    if not bool(norms.isfinite().all()):
        raise ModelError(
            "Expected a residual stream of finite numbers, got NaN or infinity without any steering; load the model "
            "with dtype float32, or choose another layer."
        )
    return float(norms.double().quantile(0.5))


def sink_positions(stream: Tensor, mask: Tensor) -> Tensor:
    """Mask (b, T) bool of the sinks in `stream` (b, T, d), judged prompt by prompt over the positions in `mask`."""
    norms: Tensor = stream.float().norm(dim=2)
    middle = torch.where(mask, norms, torch.nan).nanquantile(0.5, dim=1, keepdim=True)
    return mask & (norms > SINK_RATIO * middle)
