"""Residual streams of prompts at one layer, without steering, for mean differences and reference norms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.errors import Cancelled, InputError
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs, rows_of_like_length
from playground.model.reference import median, sink_positions, token_norms
from playground.model.steering import capture_block_inputs, read_residuals

_TOKENS = {"cpu": 2048}
_TOKENS_ELSEWHERE = 32768
"""Tokens of one forward pass at most, padding counted; nothing of it is kept but what was asked for."""


@dataclass(frozen=True)
class ResidualStreams:
    """Residual streams of n prompts at one layer.

    `means`: (n, d) float32 on the CPU (float64 for a float64 model), the mean over the positions that were read.
    `norms`: (N,) float32, the norm at every token of every prompt; their median is the reference of relative scales.
    `sinks`: how many positions were left out of the means.
    """

    means: Tensor
    norms: Tensor
    sinks: int = 0

    @property
    def reference_norm(self) -> float:
        """Median norm over all tokens of all prompts."""
        return median(self.norms)


@torch.no_grad()
def residual_streams(
    loaded: LoadedModel,
    prompts: Encoded,
    layer: int,
    last: int | None,
    cancelled: Callable[[], bool] = lambda: False,
    read_sinks: bool = False,
) -> ResidualStreams:
    """The residual stream at `layer`, averaged over the `last` tokens of each prompt.

    With `last` None it is averaged over all tokens but attention sinks, and over these too with `read_sinks`. Blocks
    after `layer` do not run. Padding counts nowhere. Raises InputError for more tokens than the shortest prompt has and
    for an unknown layer, Cancelled when `cancelled` says so before one of the passes.
    """
    shortest = min(prompts.lengths)
    if last is not None and not 1 <= last <= shortest:
        raise InputError(f"Expected from 1 to {shortest} last tokens, the length of the shortest prompt, got {last}.")
    wide = torch.promote_types(loaded.dtype, torch.float32)
    means = torch.empty(len(prompts), loaded.width, dtype=wide)
    norms, sinks = [], 0
    for rows in rows_of_like_length(prompts.lengths, _TOKENS.get(loaded.device.type, _TOKENS_ELSEWHERE)):
        if cancelled():
            raise Cancelled
        batch = prompts.take(rows)
        stream = residual_stream(loaded, batch, layer).to(wide)
        mask = batch.attention_mask.to(stream.device).bool()
        norms.append(token_norms(stream, mask))
        if last is not None:
            read = mask & (torch.arange(mask.shape[1], device=mask.device) >= mask.shape[1] - last)
        elif read_sinks:
            read = mask
        else:
            read = mask & ~sink_positions(stream, mask)
            sinks += int((mask & ~read).sum())
        sums = torch.where(read[:, :, None], stream, stream.new_zeros(())).sum(dim=1)
        means[list(rows)] = (sums / read.sum(dim=1, keepdim=True)).cpu()
    return ResidualStreams(means, torch.cat(norms), sinks)


@torch.no_grad()
def residual_stream(loaded: LoadedModel, batch: Encoded, layer: int) -> Tensor:
    """The residual stream at `layer`, (b, T, d), of prompts as one batch. Blocks after `layer` do not run."""
    inputs = forward_inputs(loaded, batch)
    if layer + 1 < loaded.block_count:
        with capture_block_inputs(loaded.model, layer + 1) as calls:  # ends the pass before block `layer` + 1
            loaded.model(**inputs, use_cache=False)
        return calls[layer + 1].hidden_states
    with read_residuals(loaded.model, [layer]) as streams:
        loaded.model(**inputs, use_cache=False)
    return streams[layer]

