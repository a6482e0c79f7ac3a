"""Power iteration as it was published, to measure against: written from the method's description.

A round takes every column v to JᵀJv and orthonormalises the columns. JᵀJv of one column runs the whole model with θ
added at s, and three backward passes: Jᵀu with its graph kept (u a placeholder), its derivative with respect to u along
v, which is Jv, and Jᵀ(Jv). `columns_one_by_one` does that for each column, `columns_in_a_batch` for all k as the rows
of one batch. Neither cuts the model, keeps a graph from round to round, or uses Rayleigh–Ritz.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs


def columns_one_by_one(
    loaded: LoadedModel, encoded: Encoded, source: int, target: int, target_tokens: int, columns: Tensor
) -> Tensor:
    """JᵀJ v for every row v, (k, d) → (k, d), each by a run of its own."""
    return torch.cat(
        [columns_in_a_batch(loaded, encoded, source, target, target_tokens, column[None]) for column in columns]
    )


def columns_in_a_batch(
    loaded: LoadedModel, encoded: Encoded, source: int, target: int, target_tokens: int, columns: Tensor
) -> Tensor:
    """JᵀJ v for every row v, (k, d) → (k, d), stacked in one batch; J is [J_1; …; J_n]/√n over the n prompts."""
    k, n = len(columns), len(encoded)
    theta = torch.zeros(k, columns.shape[1], device=loaded.device, requires_grad=True)
    with sdpa_kernel(SDPBackend.MATH):  # fused attention cannot be differentiated twice
        effect = whole_model(
            loaded, encoded.take(tuple(range(n)) * k), source, target, theta.repeat_interleave(n, 0)[:, None]
        )
        effect = effect[:, -target_tokens:]
        placeholder = torch.zeros_like(effect, requires_grad=True)
        (pulled_back,) = torch.autograd.grad(effect, theta, placeholder, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled_back, placeholder, columns, retain_graph=True)
        (result,) = torch.autograd.grad(effect, theta, pushed)
    return result / n


def whole_model(loaded: LoadedModel, encoded: Encoded, source: int, target: int, push: Tensor) -> Tensor:
    """The residual stream (B, T, d) at the target with `push`, (d,) or (B, 1, d), added to that at the source."""
    seen: dict[str, Tensor] = {}

    def add(module, args, output):
        stream = block_output(output)
        return replace_block_output(output, stream + push.to(stream))

    def read(module, args, output):
        seen["stream"] = block_output(output)

    blocks = decoder_blocks(loaded.model)
    hooks = [blocks[source].register_forward_hook(add), blocks[target].register_forward_hook(read)]
    try:
        loaded.model(**forward_inputs(loaded, encoded), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return seen["stream"]


def subspace_rounds(jacobian: Tensor, start: Tensor, energy: float, most: int = 200) -> int:
    """Rounds of block power iteration from the rows of `start` (k, d) until ‖JV‖²/Σσ² is at least `energy`.

    On the dense Jacobian (m, d), in float64: what both forms above go through, without their cost.
    """
    best = torch.linalg.svdvals(jacobian)[: len(start)].square().sum()
    rows = orthonormal(start.to(jacobian))
    for taken in range(1, most + 1):
        rows = orthonormal((rows @ jacobian.T) @ jacobian)
        if (rows @ jacobian.T).square().sum() >= energy * best:
            return taken
    raise RuntimeError(f"Expected block power iteration to reach an energy of {energy} in {most} rounds.")


def orthonormal(rows: Tensor) -> Tensor:
    """Rows made orthonormal by a QR decomposition."""
    return torch.linalg.qr(rows.T).Q.T
