"""Values and gradients of a loss over the displacement f(θ) − f(0), batched over pushes.

f_i(θ) is what is read of prompt i when θ is added. The map itself is handed in as a `Displaceable`: pieces, each some
of the prompts as one batch. One piece's graph exists at a time, so that memory does not grow with the prompts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from playground.core.out_of_memory import is_out_of_memory
from playground.errors import Cancelled

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some prompts of a map, as one batch.

    `prompts`: their numbers, b of them. `run`: θ (r, d) → (r, b, K, d) in float32 or wider, the residual stream at t,
    differentiable in θ, with zeros where padded. `mask` (b, K) bool: the positions that are real. `still` (b, K, d):
    `run` at θ = 0.
    """

    prompts: tuple[int, ...]
    run: Callable[[Tensor], Tensor]
    mask: Tensor
    still: Tensor

    def __post_init__(self) -> None:
        b = len(self.prompts)
        if self.still.ndim != 3 or len(self.still) != b or self.mask.shape != self.still.shape[:2]:
            raise ValueError(
                f"Expected a mask (b, K) and a still state (b, K, d) for b = {b} prompts, "
                f"got {tuple(self.mask.shape)} and {tuple(self.still.shape)}."
            )

    def moved(self, states: Tensor) -> Tensor:
        """f(θ) − f(0), (r, b, K, d) in float32 or wider, for states (r, b, K, d); zeros where padded."""
        wide = torch.promote_types(states.dtype, torch.float32)
        return (states.to(wide) - self.still.to(wide)) * self.mask[..., None]


class Displaceable(Protocol):
    """A map f from a push θ (d,) to what is read of several prompts. `width` is d, `prompts` how many there are.
    `most_copies`: rows of θ that run together at most, None for all; it is set when memory has run out.
    """

    most_copies: int | None

    @property
    def width(self) -> int: ...

    @property
    def prompts(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype: ...

    def pieces(self, copies: int) -> Sequence[Piece]:
        """Pieces that cover every prompt once, to be run with θ of exactly `copies` rows."""
        ...


R = TypeVar("R")
Loss = Callable[[Tensor, Piece], Tensor]
"""States (r, b, K, d) and the piece they belong to → (r,), or (r, m) with what is wanted beside the loss in the other
columns. An objective is its sum over pieces.
"""


def value_and_gradient(
    target: Displaceable, theta: Tensor, loss: Loss, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Tensor, Tensor]:
    """Values (k,) or (k, m), and gradients (k, d) of the first of each, of Σ over pieces of the loss, at every row of θ
    (k, d); on the CPU, as θ.

    `cancelled` is asked before each piece; then Cancelled is raised. Fewer rows run at a time once memory has run out.
    """

    def work(some: Tensor) -> tuple[Tensor, Tensor]:
        values = torch.zeros((), dtype=torch.float64)
        gradients = torch.zeros(some.shape, dtype=torch.float64)
        for piece in target.pieces(len(some)):
            if cancelled():
                raise Cancelled
            with torch.enable_grad():
                rows = some.detach().to(target.device).requires_grad_()
                value = loss(piece.run(rows), piece)
                (gradient,) = torch.autograd.grad((value if value.ndim == 1 else value[:, 0]).sum(), rows)
            values = values + value.detach().cpu()
            gradients += gradient.cpu()
        return values, gradients

    values, gradients = zip(*in_parts(target, theta, work), strict=True)
    return torch.cat(values).to(theta.dtype), torch.cat(gradients).to(theta.dtype)


@torch.no_grad()
def value(
    target: Displaceable, theta: Tensor, loss: Loss, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """Values alone, without graphs. Otherwise as `value_and_gradient`."""

    def work(some: Tensor) -> Tensor:
        values = torch.zeros((), dtype=torch.float64)
        for piece in target.pieces(len(some)):
            if cancelled():
                raise Cancelled
            values = values + loss(piece.run(some.detach().to(target.device)), piece).cpu()
        return values

    return torch.cat(in_parts(target, theta, work)).to(theta.dtype)


def displacement(
    target: Displaceable, theta: Tensor, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """√(mean over prompts of ‖f_i(θ) − f_i(0)‖²) for every row of θ (k, d): (k,).

    Norms are over real positions and width together, so that a linear map gives σ·‖θ‖ along its singular vectors.
    """
    return (value(target, theta, squared, cancelled) / target.prompts).sqrt()


def in_parts(target: Displaceable, theta: Tensor, work: Callable[[Tensor], R]) -> list[R]:
    """`work` on all rows of θ (k, d) together; on half as many at a time when memory runs out, from then on."""
    while True:
        together = max(1, min(len(theta), target.most_copies or len(theta)))
        try:
            return [work(some) for some in theta.split(together)]
        except (RuntimeError, MemoryError) as error:
            if together == 1 or not is_out_of_memory(error):
                raise
        target.most_copies = together // 2
        _LOG.info("out of memory: %d vectors at a time from here on", target.most_copies)


def squared(states: Tensor, piece: Piece) -> Tensor:
    """The Loss ‖f(θ) − f(0)‖², summed over prompts, real positions and width: (r,)."""
    return piece.moved(states).square().sum(dim=(1, 2, 3))
