"""A clamp: components of the residual stream along directions held within bounds. Ablation holds them at 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.geometry import orthonormalise
from playground.errors import InputError


@dataclass(frozen=True)
class Clamp:
    """Components along an orthonormal basis, held within bounds at block `layer`.

    `basis`: (m, d) for every row of a batch, or (B, m, d) with a basis for each (zeros leave a row as it is). `low` and
    `high`, (m,) or (B, m): the bounds of each component in units of the residual stream, ±inf for none. Ablating a span
    is low = high = 0 (Arditi et al. 2024, arXiv 2406.11717); an upper bound alone is activation capping. `strength`,
    (1,) or (B,), is how far: h + strength · (clamp(h) − h). Raises InputError for other shapes, numbers that are not
    real, and bounds the wrong way around.
    """

    layer: int
    basis: Tensor
    low: Tensor
    high: Tensor
    strength: Tensor

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise InputError(f"Expected a layer of 0 or more, got {self.layer}; count blocks from 0.")
        if self.basis.ndim not in (2, 3) or 0 in self.basis.shape:
            raise InputError(f"Expected a basis of shape (m, d) or (B, m, d), got {tuple(self.basis.shape)}.")
        bounds = (self.low, self.high)
        if any(bound.shape != self.basis.shape[:-1] or bool(bound.isnan().any()) for bound in bounds):
            raise InputError("Expected a number as each bound of a component, got others; check the scale.")
        if not bool((self.low <= self.high).all()):
            raise InputError("Expected a lower bound up to the upper one, got more; leave one of them out.")
        if not bool(self.basis.isfinite().all()) or not bool(self.strength.isfinite().all()):
            raise InputError("Expected directions of finite real numbers, got other values; check the set.")

    @property
    def width(self) -> int:
        """d, the width of the residual stream this clamp fits."""
        return self.basis.shape[-1]

    @property
    def rank(self) -> int:
        """m, how many components are held."""
        return self.basis.shape[-2]

    def to(self, device: torch.device, dtype: torch.dtype) -> Clamp:
        """The same with its numbers there."""
        basis, low, high, strength = (
            part.to(device, dtype) for part in (self.basis, self.low, self.high, self.strength)
        )
        return Clamp(self.layer, basis, low, high, strength)

    def apply(self, stream: Tensor) -> Tensor:
        """`stream` (B or 1, T, d) with its components held: computed in the dtype of the basis, on its device, and cast
        once to that of the stream.
        """
        wide = stream.to(self.basis.dtype)
        along = wide @ self.basis.mT  # (B, T, m)
        held = along.clamp(min=self.low.unsqueeze(-2), max=self.high.unsqueeze(-2))
        return (wide + self.strength[:, None, None] * ((held - along) @ self.basis)).to(stream.dtype)


def ablation(layer: int, directions: Tensor) -> Clamp:
    """The clamp that removes the span of `directions` (m, d), whose digits are those of float32 or fewer. Raises
    InputError where they span nothing.
    """
    basis = orthonormalise(directions.detach().double(), rounded_to=torch.float32)
    if not len(basis):
        raise InputError("Expected directions to ablate, got rows of norm 0; choose others.")
    zero = basis.new_zeros(len(basis))
    return Clamp(layer, basis, zero, zero, basis.new_ones(1))


def bounded(layer: int, direction: Tensor, low: float = -math.inf, high: float = math.inf) -> Clamp:
    """The clamp of the component along `direction` (d,), of any norm but 0."""
    wide = direction.detach().double()
    basis = (wide / wide.norm())[None]
    return Clamp(layer, basis, basis.new_full((1,), low), basis.new_full((1,), high), basis.new_ones(1))
