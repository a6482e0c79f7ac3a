"""Values and gradients of a loss over the displacement f(θ) − f(0), batched over pushes.

f_i(θ) is what is read of prompt i when θ is added. The map itself is handed in as a `Displaceable`: pieces, each some
of the prompts as one batch. One piece's graph exists at a time, so that memory does not grow with the prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from playground.errors import Cancelled


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
    """A map f from a push θ (d,) to what is read of several prompts. `width` is d, `prompts` how many there are."""

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


Loss = Callable[[Tensor, Piece], Tensor]
"""States (r, b, K, d) and the piece they belong to → (r,). An objective is its sum over pieces."""


def value_and_gradient(
    target: Displaceable, theta: Tensor, loss: Loss, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Tensor, Tensor]:
    """Values (k,) and gradients (k, d) of Σ over pieces of the loss, at every row of θ (k, d); on the CPU, as θ.

    `cancelled` is asked before each piece; then Cancelled is raised.
    """
    values = torch.zeros(len(theta), dtype=torch.float64)
    gradients = torch.zeros(theta.shape, dtype=torch.float64)
    for piece in target.pieces(len(theta)):
        if cancelled():
            raise Cancelled
        with torch.enable_grad():
            rows = theta.detach().to(target.device).requires_grad_()
            value = loss(piece.run(rows), piece)
            (gradient,) = torch.autograd.grad(value.sum(), rows)
        values += value.detach().cpu()
        gradients += gradient.cpu()
    return values.to(theta.dtype), gradients.to(theta.dtype)


@torch.no_grad()
def value(
    target: Displaceable, theta: Tensor, loss: Loss, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """Values (k,) alone, without graphs. Otherwise as `value_and_gradient`."""
    values = torch.zeros(len(theta), dtype=torch.float64)
    for piece in target.pieces(len(theta)):
        if cancelled():
            raise Cancelled
        values += loss(piece.run(theta.detach().to(target.device)), piece).cpu()
    return values.to(theta.dtype)


def displacement(
    target: Displaceable, theta: Tensor, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """√(mean over prompts of ‖f_i(θ) − f_i(0)‖²) for every row of θ (k, d): (k,).

    Norms are over real positions and width together, so that a linear map gives σ·‖θ‖ along its singular vectors.
    """
    return (value(target, theta, squared, cancelled) / target.prompts).sqrt()


def squared(states: Tensor, piece: Piece) -> Tensor:
    """The Loss ‖f(θ) − f(0)‖², summed over prompts, real positions and width: (r,)."""
    return piece.moved(states).square().sum(dim=(1, 2, 3))
