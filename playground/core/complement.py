"""Orthogonal complement of a set of known directions that grows by hundreds.

Bases are float64: in the last few dimensions of a space what is left of a row is short, and rounding shows in it. No
function here goes row by row; taking a batch out of 1500 directions of width 2048 is two thin matrix products.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.core.geometry import project_out
from playground.core.sphere import off_earlier

_DEPENDENT = 1e-5  # a unit row of which less than this is new is taken for a combination of the others, rounded


class Complement:
    """The orthogonal complement of the span of the rows of `known` (n, d), which need not be independent.

    Its memory is O(n·d). Rows of zeros span nothing; the rows must be finite.
    """

    def __init__(self, known: Tensor) -> None:
        self.width = known.shape[1]
        self._basis = _orthonormal_basis(known.detach().to("cpu", torch.float64))
        self._rounded = self._basis.float()

    @property
    def left(self) -> int:
        """How many dimensions the complement has."""
        return self.width - len(self._basis)

    def project(self, rows: Tensor) -> Tensor:
        """The part of `rows` (b, d) that lies in the complement, in their own dtype (float32 or float64)."""
        return project_out(rows, self._basis if rows.dtype == torch.float64 else self._rounded)

    def ordered(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows (b, d) in the complement, each less its part in the span of those before it, and their directions.

        With Ψ the projected rows and Ψᵀ = PR the results are R_ii p_i and p_i, both (b, d). b is at most `left`.
        """
        factor = torch.linalg.qr(self.project(rows).T)
        unit = factor.Q.T
        return unit * factor.R.diagonal()[:, None], unit

    def gradient(self, gradient: Tensor, directions: Tensor) -> Tensor:
        """The gradient with respect to the rows that went into `ordered`, the rows before each taken for fixed."""
        return self.project(off_earlier(gradient, directions))

    def draw(self, count: int, norm: float, generator: torch.Generator) -> Tensor:
        """`count` random rows of the complement, orthogonal to each other, each of the given norm: float64."""
        rows = torch.randn(count, self.width, generator=generator, dtype=torch.float64)
        return norm * self._orthonormal(rows)

    def settle(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """`rows` (b, d) made orthogonal to all that is known and in order, in float64, then rounded to float32 rows.

        The results are known from then on. A row with nothing left in the complement but rounding becomes a very short
        random one. b is at most `left`.
        """
        rows = self.project(self.project(rows.detach().to("cpu", torch.float64)))
        lengths = rows.norm(dim=1, keepdim=True)
        least = _DEPENDENT * lengths.max().clamp(min=1e-20)
        rows = torch.where(lengths > least, rows, self.draw(len(rows), float(least), generator))
        lengths = torch.linalg.qr(rows.T).R.diagonal().abs().clamp(min=least)
        settled: Tensor = (self._orthonormal(rows) * lengths[:, None]).float()
        # From the rounded rows, as if they came from a file: a run that is continued projects off the same span.
        unit = settled.double() / lengths[:, None]
        self._basis = torch.cat([self._basis, self._orthonormal(unit)])
        self._rounded = self._basis.float()
        return settled

    def _orthonormal(self, rows: Tensor) -> Tensor:
        """Orthonormal rows (b, d) float64 of the complement, in order, each on the side of the row it came from.

        Twice is enough: in the second pass what lies outside the complement is rounding already.
        """
        for _ in range(2):
            factor = torch.linalg.qr(self.project(self.project(rows)).T)
            rows = (factor.Q * torch.where(factor.R.diagonal() < 0, -1.0, 1.0)).T
        return rows


def _orthonormal_basis(rows: Tensor) -> Tensor:
    """Orthonormal rows (r, d) of the span of `rows` (n, d), r its rank."""
    lengths = rows.norm(dim=1, keepdim=True)
    rows = rows[lengths[:, 0] > 0] / lengths[lengths > 0, None]
    if len(rows) <= rows.shape[1]:
        factor = torch.linalg.qr(rows.T)
        if bool((factor.R.diagonal().abs() > _DEPENDENT).all()):
            basis: Tensor = factor.Q.T.contiguous()
            return basis
    _, values, right = torch.linalg.svd(rows, full_matrices=False)
    basis = right[values > _DEPENDENT].contiguous()
    return basis
