"""A push: one direction, already scaled, added at one layer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from playground.errors import InputError


@dataclass(frozen=True)
class Push:
    """A direction added to the residual stream at block `layer`.

    `vector` is what is added, scale included, in the units of the residual stream: (d,) for every row of a batch, or
    (B, d) with one row for each row of the batch (a row of zeros leaves that row alone). Raises InputError for a
    negative layer, a tensor of another rank, or entries that are not finite numbers.
    """

    layer: int
    vector: Tensor

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise InputError(f"Expected a layer of 0 or more, got {self.layer}; count blocks from 0.")
        if self.vector.ndim not in (1, 2) or self.vector.shape[-1] == 0:
            raise InputError(f"Expected a direction of shape (d,) or (B, d), got {tuple(self.vector.shape)}.")
        if not self.vector.is_floating_point() or not bool(self.vector.isfinite().all()):
            raise InputError("Expected a direction of finite real numbers, got other values; check its scale.")

    @property
    def width(self) -> int:
        """d, the width of the residual stream this push fits."""
        return self.vector.shape[-1]
