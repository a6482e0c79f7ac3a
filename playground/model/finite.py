"""Non-finite numbers: they stay NaN, and are traced to the block that they come from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.edit import Edit, pushes_of
from playground.core.positions import Positions
from playground.errors import InputError, ModelError
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs
from playground.model.steering import read_residuals, steer

LARGEST = 1e18
"""Norm of a push beyond which squares overflow in float32. Norms then divide by infinity, and logits that are finite
again say nothing of the input: they count as not finite too."""


def is_too_large(pushes: Sequence[Edit]) -> bool:
    """Whether a push is too large for the model's norms."""
    return not all(float(push.vector.double().norm()) <= LARGEST for push in pushes_of(pushes))


def kl_divergence(steered: Tensor, baseline: Tensor) -> Tensor:
    """KL(steered ‖ baseline) in nats over the last axis, from log-probabilities; NaN where either holds a NaN.

    A token of probability 0 adds nothing, whatever the baseline gives it.
    """
    shares = steered.exp()
    return torch.where(shares == 0, shares.new_zeros(()), shares * (steered - baseline)).sum(dim=-1).clamp(min=0)


@torch.no_grad()
def not_finite_from(
    loaded: LoadedModel, prompt: Encoded, pushes: Sequence[Edit], positions: Positions = "all", generated: int = 0
) -> str:
    """Where the numbers of one prompt (a batch of one) stop being finite with `pushes` added: "block 7", or "the output
    head" when every block's output is finite.
    """
    length = prompt.input_ids.shape[1]
    with (
        steer(loaded.model, pushes, positions, length - generated),
        read_residuals(loaded.model, range(loaded.block_count)) as streams,
    ):
        loaded.model(**forward_inputs(loaded, prompt), use_cache=False)
    for block in range(loaded.block_count):
        if not bool(streams[block].float().square().sum(dim=-1).isfinite().all()):
            return f"block {block}"
    return "the output head"


def overflow(
    loaded: LoadedModel, prompt: Encoded, pushes: Sequence[Edit], positions: Positions = "all", generated: int = 0
) -> str:
    """A sentence about a result that is not finite: from which block on, and what to do."""
    place = not_finite_from(loaded, prompt, pushes, positions, generated)
    dtype = str(loaded.dtype).removeprefix("torch.")
    wider = "" if dtype in ("float32", "float64") else " or dtype float32"
    if not pushes:
        return (
            f"Expected finite numbers, but {loaded.name} in {dtype} computes others from {place} on, without any "
            "steering; load it with dtype float32."
        )
    return (
        f"Expected a push that {loaded.name} can compute with in {dtype}, but its numbers are not finite from {place} "
        f"on; use a smaller scale{wider}."
    )


def check_finite(
    values: Tensor, loaded: LoadedModel, prompt: Encoded, pushes: Sequence[Edit] = (), positions: Positions = "all"
) -> None:
    """Raises ModelError (without pushes) or InputError (with some) that says where it began unless `values`, which were
    computed from them, hold no NaN.
    """
    if bool(values.isnan().any()):
        said = overflow(loaded, prompt, pushes, positions)
        raise InputError(said) if pushes else ModelError(said)
