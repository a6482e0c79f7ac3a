"""Rayleigh–Ritz on all rows that a solver has kept, and the rows it goes on with."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from playground.core.geometry import orthonormalise, project_out
from playground.core.operators import LinearOperator

_TINY = 1e-300  # stands for a zero that is divided by
_DRAWS = 4  # a second one is hardly ever needed, and random rows that still depend after four mean that space is full


class RayleighRitz:
    """The rows kept, V (c, n), with their images W = J V (c, m) and Z = Jᵀ W (c, n), and the best that is in them.

    With G = W Wᵀ = Y Λ Yᵀ the Ritz values are σ = √λ, the vectors v = yᵀV, and Jᵀu − σv = yᵀ(Z − λV)/σ: the residual
    needs no further product.
    """

    def __init__(self, operator: LinearOperator, wanted: int, seed: int) -> None:
        self._operator = operator
        self._generator = torch.Generator().manual_seed(seed)
        self._wanted = wanted
        # A singular value below this part of the largest is zero for all that products of this dtype can tell. Its u
        # is then any left null vector, and ‖Jᵀu − σv‖ is σ.
        self._rounding = 64 * torch.finfo(operator.dtype).eps
        self._best: tuple[Tensor, Tensor, Tensor] | None = None
        self._left: Tensor | None = None
        self.clear()

    def clear(self) -> None:
        """Forget the basis, not the best that was found in it."""
        n = self._operator.shape[1]
        self._rows = torch.empty(0, n, dtype=torch.float64)
        self._normal_images = torch.empty(0, n, dtype=torch.float64)
        self._gram = torch.empty(0, 0, dtype=torch.float64)
        self._images: list[Tensor] = []

    @property
    def newest_images(self) -> Tensor:
        return self._images[-1]

    def add(self, block: Tensor, images: Tensor) -> None:
        """Take orthonormal rows (b, n) and their images under J, (b, m)."""
        self._rows = torch.cat([self._rows, block])
        self._images.append(images)
        old = [_gram(part, images) for part in self._images[:-1]]
        corner = _gram(images, images)
        if old:
            cross = torch.cat(old)
            self._gram = torch.cat([torch.cat([self._gram, cross], dim=1), torch.cat([cross.T, corner], dim=1)])
        else:
            self._gram = corner
        self._solve(residuals_known=False)

    def add_images(self, normal_images: Tensor) -> None:
        """Take Jᵀ of the newest images, (b, n)."""
        self._normal_images = torch.cat([self._normal_images, normal_images.to("cpu", torch.float64)])
        self._solve(residuals_known=True)

    def _solve(self, residuals_known: bool) -> None:
        every_square, every_weight = torch.linalg.eigh(self._gram)
        squares = every_square.flip(0)[: self._wanted].clamp(min=0)
        weights = every_weight.flip(1)[:, : self._wanted]
        values = squares.sqrt()
        vectors = weights.T @ self._rows
        if residuals_known:
            defects = weights.T @ self._normal_images - squares[:, None] * vectors
            zero = values <= self._rounding * values[0]
            scale = torch.where(zero, math.inf, values[0] * values)
            residuals = defects.norm(dim=1) / scale + torch.where(zero, values / values[0].clamp(min=_TINY), 0.0)
        else:
            residuals = torch.full_like(values, math.nan)
        if residuals_known or self._best is None or len(values) > len(self._best[0]):
            self._best = (values, vectors, residuals)
            self._left = self._left_basis_images(every_square, every_weight) if residuals_known else None

    def _left_basis_images(self, squares: Tensor, weights: Tensor) -> Tensor:
        """Jᵀ of an orthonormal basis of the images, U = Λ^(−½) Yᵀ W, without what is zero to rounding."""
        lengths = squares.clamp(min=0).sqrt()
        kept = lengths > self._rounding * lengths[-1]
        return (weights[:, kept] / lengths[kept]).T @ self._normal_images

    def refined(self) -> tuple[Tensor, Tensor]:
        """Singular values (k,) and vectors (k, n) after one more half step, which is already paid for.

        The images U span the left vectors as V does the right ones, and JᵀU is known: its right singular vectors lie in
        the span of Z, one product beyond V. Their values are between the Ritz values and the true ones.
        """
        values, vectors, _ = self._found()
        if self._left is None or len(self._left) == 0:
            return values, vectors
        _, better, rows = torch.linalg.svd(self._left, full_matrices=False)
        better, rows = better[: len(values)], rows[: len(values)]
        spare = len(values) - len(rows)  # a map of low rank: the vectors it takes to zero stay as they are
        filler = orthonormalise(vectors, against=rows)[:spare]
        return torch.cat([better, values.new_zeros(spare)]), torch.cat([rows, filler])

    @property
    def singular_values(self) -> Tensor:
        return self._found()[0]

    @property
    def vectors(self) -> Tensor:
        return self._found()[1]

    @property
    def residuals(self) -> Tensor:
        return self._found()[2]

    def _found(self) -> tuple[Tensor, Tensor, Tensor]:
        if self._best is None:
            return torch.empty(0), torch.empty(0, self._operator.shape[1]), torch.empty(0)
        return self._best

    def first_block(self, columns: int, start: Tensor | None = None, beside: int = 0) -> Tensor:
        """Orthonormal rows: all of `start` (j, n), then random ones, drawn with the seed: `beside` of them at least,
        and `columns` rows in all at least.
        """
        if start is None:
            return self._filled(torch.empty(0, self._operator.shape[1], dtype=torch.float64), None, columns)
        # Twice: what depends to within float32 is left out, then float32 rows are made orthonormal to float64.
        rows = orthonormalise(orthonormalise(start).double())
        return self._filled(rows, None, max(columns, len(rows) + beside))

    def next_block(self, columns: int, everything: bool) -> Tensor:
        """Orthonormal rows for the next step; none when the basis already maps into itself, or fills the space.

        A map of low rank runs out of new rows before there are as many as wanted: random ones then fill up.
        """
        newest = self._normal_images[-len(self._images[-1]) :]
        fixed = None if everything else self._rows
        rest = newest if fixed is None else project_out(project_out(newest, fixed), fixed)
        rest = orthonormalise(rest[rest.norm(dim=1) > self._rounding * newest.norm(dim=1).max()], against=fixed)
        held = len(rest) if everything else len(self._rows) + len(rest)
        target = columns if everything else self._wanted
        if held < target and (everything or len(rest) == 0):
            rest = self._filled(rest, fixed, target - held + len(rest))
        return rest

    def _filled(self, rows: Tensor, fixed: Tensor | None, count: int) -> Tensor:
        """`rows` and random ones after them, orthonormal and orthogonal to `fixed`, `count` in all.

        Rows drawn by a seed may happen to be those that the vectors so far were made of: then others are drawn. Fewer
        come back when the space is full.
        """
        for _ in range(_DRAWS):
            if len(rows) >= count:
                break
            known = rows if fixed is None else torch.cat([fixed, rows])
            new = orthonormalise(self._draw(count), against=known)
            rows = torch.cat([rows, new[: count - len(rows)]])
        return rows

    def _draw(self, k: int) -> Tensor:
        return torch.randn(k, self._operator.shape[1], generator=self._generator, dtype=torch.float64)


def _gram(first: Tensor, second: Tensor) -> Tensor:
    """first · secondᵀ in float64, on the CPU. Apple's devices have no float64, so there the rows move first."""
    if first.device.type == "mps":
        first, second = first.cpu(), second.cpu()
    return (first.double() @ second.double().T).cpu()
