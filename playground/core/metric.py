"""Metrics on the residual stream at the target layer: what counts as a large effect there.

With a metric G power iteration finds the leading eigenvectors of JᵀGJ instead of JᵀJ. Entries of the residual stream
differ in how much they vary by themselves: divided by its variance every entry counts by how unusual its change is,
times its variance by how much of the stream's usual movement it carries.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.core.settings import METRICS
from playground.errors import InputError

_SMALLEST = 1e-12
"""A variance below this part of the mean one is zero but for rounding; its inverse would outweigh all the others."""


def diagonal(name: str, variance: Tensor) -> Tensor | None:
    """The diagonal of G, (d,) float32 with mean 1, from the variance (d,) of the residual stream; None for identity.

    With mean 1 gains stay comparable with those under the identity. Raises InputError for an unknown name, and for a
    metric that is singular: an entry does not vary, or there were fewer than two positions to tell.
    """
    if name not in METRICS:
        raise InputError(f"Expected a metric among {', '.join(METRICS)}, got {name!r}; choose one of them.")
    if name == "identity":
        return None
    values = variance.detach().to("cpu", torch.float64)
    if values.ndim != 1 or not bool(values.isfinite().all()) or bool((values < 0).any()):
        raise InputError(
            f"Expected a variance of finite numbers, 0 or more, for the metric “{name}”, got others of shape "
            f"{tuple(values.shape)}; use the identity."
        )
    still = int((values <= _SMALLEST * values.mean()).sum())
    if still:
        raise InputError(
            f"Expected a residual stream that varies in every entry for the metric “{name}”, got {still} of "
            f"{len(values)} that do not; give more or longer prompts, or use the identity."
        )
    weights = values if name == "variance" else 1 / values
    return (weights / weights.mean()).float()
