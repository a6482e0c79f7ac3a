"""Contrast PCA: the leading directions of paired differences of residual streams (Zou et al., 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.methods.base.method import Column, Count, Figure, Method, Reads

if TYPE_CHECKING:
    from torch import Tensor

    from playground.methods.base.context import Context, Found


def principal_differences(differences: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Leading right singular vectors (k, d) of paired differences (n, d), and the share (k,) of their squares that lies
    along each; both float32, k at most `most` and at most the rank.

    The differences are not centred: what all pairs have in common is what is looked for. A row points the way that
    their mean does, and its norm is the root mean square of the differences along it, σ/√n. Raises InputError for
    differences that are all zero or not finite.
    """
    import torch

    from playground.errors import InputError

    wide = differences.double().cpu()
    if not bool(wide.isfinite().all()):
        raise InputError("Expected finite numbers on both sides, got NaN or infinity; use another dtype.")
    if not bool(wide.any()):
        raise InputError("Expected two sides that differ, got the same residual streams; choose other prompts.")
    _, sigma, rows = torch.linalg.svd(wide, full_matrices=False)
    k = min(most, int((sigma > _NOTHING * sigma[0]).sum()))
    shares = sigma.square() / sigma.square().sum()
    signs = torch.where(rows @ wide.mean(dim=0) >= 0, 1.0, -1.0)
    return ((signs * sigma / len(wide) ** 0.5)[:, None] * rows)[:k].float(), shares[:k].float()


_NOTHING = 1e-6  # of the largest singular value: rounding of float32 residual streams


def run(context: Context) -> Found:
    """As many directions as there are, at most those asked for. Raises Cancelled, and InputError when both sides are
    the same.
    """
    import torch

    from playground.methods.base.context import Found
    from playground.methods.base.sides import read_sides, sides_parameters
    from playground.model.reference import median

    request = context.request
    positive, negative = read_sides(context)
    vectors, shares = principal_differences(positive.means.double() - negative.means.double(), request.k)
    norm, residual = float(vectors[0].norm()), median(torch.cat([positive.norms, negative.norms]))
    parameters: dict[str, Any] = sides_parameters(request)
    return Found(
        vectors=vectors,
        residual_norm=residual,
        target_tokens=request.last_tokens,
        parameters=parameters | context.sinks(positive.sinks + negative.sinks),
        values={"explained": shares},
        note=f"{float(shares[0]):.0%} of the squared differences lie along the first. Its native norm {norm:.3g}, "
        f"relative {norm / residual:.2g}, is their root mean square along it.",
    )


METHOD = Method(
    name="contrast-pca",
    label="Contrast PCA",
    called="contrast PCA",
    summary="contrast PCA: the leading directions of paired differences",
    description="The leading principal directions of the differences between pairs at the source layer, not centred: "
    "what the\npairs differ in most, where a mean difference is what they differ in on average. Contrast pairs and "
    "choice items\nbring both sides along; other prompts need as many on the other side.",
    about="The directions in which pairs of prompts differ most; pairs that go either way do not cancel out.",
    source="Representation engineering (Zou et al., 2023)",
    reads=Reads(
        tokens=1, sides=2, pairs=True,
        help="average the last K tokens of each prompt, or all (1); answers are read where they part",
    ),
    count=Count(
        4, label="Vectors at most", info="the leading ones, no more than pairs",
        help="at most this many directions, the leading ones, no more than pairs",
    ),
    seed="allowed, so that every method takes the same options; nothing is drawn here",
    norm="free",
    values=(Column("explained", "share explained", "explained", "explains {:.0f} %", percent=True),),
    figures=(
        Figure(
            "bars", "Share explained", "explained", "share of the squared differences",
            wait="How much of the differences lies along each vector comes here.",
        ),
    ),
    run="playground.methods.contrast_pca:run",
    rank=50,
)  # fmt: skip
