"""Loss that measures how much of a base direction's effect another one has, and the share that it leaves."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from playground.core.displacement import Displaceable, Piece
from playground.errors import Cancelled, InputError


class Likeness:
    """Σ_prompts ‖z(θ) − z(base)‖₂, z the residual stream at t averaged over the real positions of a prompt.

    `still` is its value at θ = 0. `cancelled` is asked before each piece; then Cancelled is raised. Raises InputError
    for a base without effect, or with one that is not finite.
    """

    def __init__(self, target: Displaceable, base: Tensor, cancelled: Callable[[], bool]) -> None:
        self._wanted: dict[tuple[int, ...], Tensor] = {}
        self._each: dict[int, Tensor] = {}
        still = 0.0
        with torch.no_grad():
            for piece in target.pieces(1):
                if cancelled():
                    raise Cancelled
                wanted = _mean_over_positions(piece.run(base[None].to(piece.still.device)), piece.mask)[0]
                still += float((_mean_over_positions(piece.still[None], piece.mask)[0] - wanted).norm(dim=1).sum())
                self._each.update(zip(piece.prompts, wanted, strict=True))
        if not math.isfinite(still) or still == 0:
            raise InputError(
                f"Expected a base that moves the residual stream at the target layer, got one that moves it by "
                f"{still}; choose another, or change its scale."
            )
        self.still = still

    def __call__(self, states: Tensor, piece: Piece) -> Tensor:
        """The loss (r,) of a piece, for states (r, b, K, d)."""
        wanted = self._wanted.get(piece.prompts)
        if wanted is None:
            wanted = self._wanted[piece.prompts] = torch.stack([self._each[prompt] for prompt in piece.prompts])
        loss: Tensor = (_mean_over_positions(states, piece.mask) - wanted).norm(dim=2).sum(dim=1)
        return loss

    def effect(self, loss: Tensor) -> Tensor:
        """1 − loss/loss(0): 1 is all of the base's effect, 0 none, and below 0 is further away than nothing."""
        return 1 - loss / self.still


def _mean_over_positions(states: Tensor, mask: Tensor) -> Tensor:
    """(…, b, K, d) → (…, b, d) float32 or wider, over the positions that `mask` (b, K) marks."""
    states = states.to(torch.promote_types(states.dtype, torch.float32))
    weights = mask.to(states) / mask.sum(dim=1, keepdim=True)
    return torch.einsum("...bkd,bk->...bd", states, weights)
