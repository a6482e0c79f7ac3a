"""Rayleigh–Ritz on all rows that a solver has kept, and its next block of rows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from playground.core.geometry import orthonormalise, project_out
from playground.core.operators import LinearOperator

_TINY = 1e-300  # stands for a zero that is divided by
_DRAWS = 4  # a second one is hardly ever needed, and random rows that still depend after four mean that space is full


class RayleighRitz:
    """The rows kept, V (c, n), an orthonormal basis U (r, m) of their images J V, and the Ritz vectors in their span.

    With J V = R U and the decomposition R = Y Σ Xᵀ the Ritz values are Σ, their vectors v = YᵀV and u = XᵀU, and the
    residual Jᵀu − σv = Xᵀ(JᵀU) − σv needs no further product. Jᵀ is applied to U and not to J V (Golub–Kahan
    bidiagonalisation in blocks): behind an outlying σ₁, the images of all rows are nearly parallel, and the rounding of
    their products would hide what is small.
    """

    def __init__(self, operator: LinearOperator, wanted: int, seed: int) -> None:
        self._operator = operator
        self._generator = torch.Generator().manual_seed(seed)
        self._wanted = wanted
        eps = torch.finfo(operator.precision).eps
        self._half = is_half(operator.precision)
        # A singular value below this part of the largest is zero for all that products of this dtype can tell: half
        # precision sums in float32 and rounds once.
        self.rounding = eps if self._half else 64 * eps
        self._best: tuple[Tensor, Tensor, Tensor] | None = None
        self._best_transposed: Tensor | None = None
        self.random_rows = 0  # how many were drawn so far
        self.clear()

    def clear(self) -> None:
        """Drop the basis; the Ritz vectors found in it are kept."""
        n = self._operator.shape[1]
        self._rows = torch.empty(0, n, dtype=torch.float64)
        self._transposed = torch.empty(0, n, dtype=torch.float64)  # JᵀU
        self._factor = torch.empty(0, 0, dtype=torch.float64)  # R
        self._left: list[Tensor] = []  # U, in blocks, on the device

    @property
    def newest_left(self) -> Tensor:
        """The newest block of U (b, m), to be multiplied by Jᵀ; it has no rows when J V adds none."""
        return self._left[-1].to(self._operator.dtype)

    def add(self, block: Tensor, images: Tensor) -> None:
        """Take orthonormal rows (b, n) and their images under J, (b, m)."""
        old = self._factor
        inside, added, left = self._left_basis(images)
        self._rows = torch.cat([self._rows, block])
        self._left.append(left)
        above = torch.cat([old, old.new_zeros(len(old), len(left))], dim=1)
        self._factor = torch.cat([above, torch.cat([inside, added], dim=1)])
        if len(left) == 0 or self._best is None or min(len(self._rows), self._wanted) > len(self._best[0]):
            self._solve(residuals_known=len(left) == 0)

    def add_transposed(self, products: Tensor) -> None:
        """Take Jᵀ of the newest block of U, (b, n)."""
        self._transposed = torch.cat([self._transposed, products.to("cpu", torch.float64)])
        self._solve(residuals_known=True)

    def _left_basis(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients of `images` in the U so far, in new rows of U, and those rows, orthonormal, on the device.

        By the eigenvectors of the Gram matrix in float64, twice; what is zero to rounding is left out.
        """
        rest = images.to(torch.promote_types(images.dtype, torch.float32))
        largest = _gram(rest, rest).diagonal().max().sqrt()
        inside = torch.zeros(len(images), self._factor.shape[1], dtype=torch.float64)
        added = torch.eye(len(images), dtype=torch.float64)
        for least in (self.rounding * largest, 0.5):
            if self._left:
                parts = [_gram(rest, left) for left in self._left]
                for part, left in zip(parts, self._left, strict=True):
                    rest = rest - part.to(left) @ left
                inside += added @ torch.cat(parts, dim=1)
            squares, axes = torch.linalg.eigh(_gram(rest, rest))
            lengths = squares.clamp(min=0).sqrt()
            kept = lengths > least
            lengths, axes = lengths[kept], axes[:, kept]
            rest = (axes / lengths).T.to(rest) @ rest
            added = added @ (axes * lengths)
        return inside, added, rest

    def _solve(self, residuals_known: bool) -> None:
        weights, values, left_weights = torch.linalg.svd(self._factor)
        rank = len(values)
        values = torch.cat([values, values.new_zeros(len(self._rows) - rank)])[: self._wanted]
        vectors = weights.T[: self._wanted] @ self._rows
        residuals = torch.full_like(values, math.nan)
        if residuals_known:
            residuals = self._residuals(values, vectors, left_weights[: min(rank, self._wanted)])
        self._best = (values, vectors, residuals)
        self._best_transposed = self._transposed if residuals_known else None

    def _residuals(self, values: Tensor, vectors: Tensor, left_weights: Tensor) -> Tensor:
        """‖Jᵀu − σv‖/σ. Of a σ that is zero to rounding it is σ/σ₁ instead; half precision cannot tell: 1."""
        transposed = values.new_zeros(vectors.shape)
        transposed[: len(left_weights)] = left_weights @ self._transposed
        defects = (transposed - values[:, None] * vectors).norm(dim=1)
        zero = values <= self.rounding * values[0]
        unknown = torch.ones_like(values) if self._half else values / values[0].clamp(min=_TINY)
        return torch.where(zero, unknown, defects / torch.where(zero, math.inf, values))

    def beyond(self, start_rows: int) -> tuple[float, float]:
        """σ and ‖Jᵀu − σv‖/σ of the best vector beyond those wanted; (0, 0) when the basis has none.

        Vectors of which more than half is in the first `start_rows` rows do not count.
        """
        weights, values, left_weights = torch.linalg.svd(self._factor)
        others = weights[:start_rows].square().sum(dim=0) < 0.5
        for index in range(self._wanted, len(values)):
            if others[index] and values[index] > self.rounding * values[0]:
                defect = left_weights[index] @ self._transposed - values[index] * (weights[:, index] @ self._rows)
                return float(values[index]), float(defect.norm() / values[index])
        return 0.0, 0.0

    def refined(self) -> tuple[Tensor, Tensor]:
        """Singular values (k,) and vectors (k, n) after one more half step, which is already paid for.

        U spans the left vectors as V does the right ones, and JᵀU is known: its right singular vectors lie one product
        beyond V. Their values are between the Ritz values and the true ones.
        """
        values, vectors, _ = self._found()
        if self._best_transposed is None or len(self._best_transposed) == 0:
            return values, vectors
        _, better, rows = torch.linalg.svd(self._best_transposed, full_matrices=False)
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
        newest = self._transposed[len(self._transposed) - len(self._left[-1]) :]
        fixed = None if everything else self._rows
        rest = newest if fixed is None else project_out(project_out(newest, fixed), fixed)
        lengths = newest.norm(dim=1)
        noise = self.rounding * (lengths if self._half or len(lengths) == 0 else lengths.max())
        rest = orthonormalise(rest[rest.norm(dim=1) > noise], against=fixed)
        held = len(rest) if everything else len(self._rows) + len(rest)
        target = columns if everything else self._wanted
        if held < target and (everything or len(rest) == 0):
            rest = self._filled(rest, fixed, target - held + len(rest))
        return rest

    def widened(self, block: Tensor, more: int, everything: bool) -> Tensor:
        """`block`, as `next_block` gave it, with `more` random rows after it; fewer when the space is full."""
        return self._filled(block, None if everything else self._rows, len(block) + more)

    def _filled(self, rows: Tensor, fixed: Tensor | None, count: int) -> Tensor:
        """`rows` and random ones after them, orthonormal and orthogonal to `fixed`, `count` in all.

        Random rows may lie in the span of those kept, as when a start was drawn from the same seed: then others are
        drawn. Fewer come back when the space is full.
        """
        for _ in range(_DRAWS):
            if len(rows) >= count:
                break
            known = rows if fixed is None else torch.cat([fixed, rows])
            new = orthonormalise(self._draw(count), against=known)[: count - len(rows)]
            rows = torch.cat([rows, new])
            self.random_rows += len(new)
        return rows

    def _draw(self, k: int) -> Tensor:
        return torch.randn(k, self._operator.shape[1], generator=self._generator, dtype=torch.float64)


def is_half(dtype: torch.dtype) -> bool:
    """Whether `dtype` is of half precision, float16 or bfloat16."""
    return torch.finfo(dtype).bits <= 16


def _gram(first: Tensor, second: Tensor) -> Tensor:
    """first · secondᵀ in float64, on the CPU. Apple's devices have no float64, so there the rows move first."""
    if first.device.type == "mps":
        first, second = first.cpu(), second.cpu()
    return (first.double() @ second.double().T).cpu()
