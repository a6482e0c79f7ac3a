"""Linear maps known by what they do to rows: products with J and with its transpose.

Vectors are rows. An operator of shape (m, n) stands for a matrix J with m rows and n columns; `matmat` takes k vectors
of length n as the rows of a (k, n) tensor and returns their images as the rows of a (k, m) tensor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

_DENSE_ROWS = 256  # rows a product in `dense`: enough to be fast, little memory beside the matrix itself


class LinearOperator(ABC):
    """A matrix J of shape (m, n) behind its two products, with the dtype and device its products work in.

    `precision` is the dtype whose rounding the products have: a model in half precision takes and gives float32.
    """

    shape: tuple[int, int]
    dtype: torch.dtype
    device: torch.device

    @property
    def precision(self) -> torch.dtype:
        return self.dtype

    @abstractmethod
    def matmat(self, rows: Tensor) -> Tensor:
        """J v for every row v: (k, n) → (k, m)."""

    @abstractmethod
    def rmatmat(self, rows: Tensor) -> Tensor:
        """Jᵀ u for every row u: (k, m) → (k, n)."""

    def dense(self) -> Tensor:
        """J itself, (m, n), by products with the unit vectors of the shorter side."""
        m, n = self.shape
        product, size = (self.matmat, n) if n <= m else (self.rmatmat, m)
        identity = torch.eye(size, dtype=self.dtype, device=self.device)
        images = torch.cat([product(rows) for rows in torch.split(identity, _DENSE_ROWS)])
        return images.T if n <= m else images

    def _check(self, rows: Tensor, width: int) -> None:
        if rows.ndim != 2 or rows.shape[1] != width:
            raise ValueError(f"Expected rows of shape (k, {width}) for {self.shape}, got {tuple(rows.shape)}.")


class DenseOperator(LinearOperator):
    """A matrix (m, n) held as it is: small problems and the oracle of tests."""

    def __init__(self, matrix: Tensor) -> None:
        if matrix.ndim != 2:
            raise ValueError(f"Expected a matrix of shape (m, n), got {tuple(matrix.shape)}.")
        self.matrix = matrix
        self.shape = (matrix.shape[0], matrix.shape[1])
        self.dtype = matrix.dtype
        self.device = matrix.device

    def matmat(self, rows: Tensor) -> Tensor:
        self._check(rows, self.shape[1])
        return rows @ self.matrix.T

    def rmatmat(self, rows: Tensor) -> Tensor:
        self._check(rows, self.shape[0])
        return rows @ self.matrix
