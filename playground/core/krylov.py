"""The leading singular values and right singular vectors of a linear map, from products alone.

Two solvers share one loop. A step takes a block V of orthonormal rows and costs one product W = J V and one product
Z = Jᵀ U, U an orthonormal basis of what W adds; Rayleigh–Ritz then finds the best singular vectors in the span of all
rows kept.

*krylov* keeps everything: the basis grows by a block each step, and the next block is what Z adds to it, fully
reorthogonalised (block Golub–Kahan bidiagonalisation: Golub, Luk and Overton, 1981; error bounds: Saad, 1980). The
block may be smaller than the number of vectors wanted: fewer columns in all, in more steps. *subspace* is the block
power iteration of the published method with Rayleigh–Ritz added: only the last block is kept, JᵀJ V is the next one.

A run has converged when every vector wanted has a small residual, relative to its own σ, and `MissedCheck` says that no
larger one was left out.

Products run in the operator's dtype and on its device. Bases, Gram matrices and Rayleigh–Ritz are float64 on the CPU,
where they are exact next to float32 products and cost next to nothing; U, the one tall factor, stays on the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.band import bands
from playground.core.geometry import orthonormalise, with_fixed_signs
from playground.core.missed import SAFE_ROWS, MissedCheck, may_exceed
from playground.core.operators import LinearOperator
from playground.core.pace import Pace
from playground.core.rayleigh_ritz import RayleighRitz, is_half
from playground.core.settings import KrylovSettings
from playground.errors import Cancelled, InputError

RANDOM_BESIDE_START = 4
"""Random rows beside a start: rows that J maps into themselves would never be left for better ones. The subspace
solver, whose basis does not grow, takes as many as it looks for."""
HALF_TOLERANCE = 0.03
"""The least tolerance in half precision: the rounding of its products shows in residuals as 0.01 to 0.03."""


@dataclass(frozen=True)
class KrylovStep:
    """State after a step. `steps` is about how many there will be, `share` the part done (0 to 1, never falling).

    `singular_values` (k,) and `residuals` (k,) are float32; a vector the basis is still too small for has σ 0 and
    residual 1.
    """

    step: int
    steps: int
    singular_values: Tensor
    residuals: Tensor
    seconds: float
    share: float


@dataclass(frozen=True)
class Spectrum:
    """The leading singular values (k,), descending, and right singular vectors (k, n), orthonormal rows; float32, CPU.

    A vector's entry of largest magnitude is positive, so that equal runs give equal signs; the sign has no other
    meaning. `residuals` (k,) are ‖Jᵀu − σv‖/σ with u = Jv/σ, each relative to its own σ, of the vectors before a last
    half step, which costs nothing and brings every σ closer to the truth. Of a σ that is zero to the rounding of the
    products the residual is σ/σ₁, and 1 in half precision. `converged` says that all residuals are within the tolerance
    and that no larger vector was missed: every σ is then within 1 % of the truth, in bfloat16 within 3 %.
    `products` counts columns put through J or Jᵀ. `subspaces` are row ranges [a, b) whose neighbours differ by less
    than CLUSTER_GAP (core/band.py): there the span is meant, not its rows. After a cancel k may be smaller than asked
    for, down to 0, and residuals that were not computed are NaN. `finite` is False when a product was not: these are of
    the products before it.
    """

    singular_values: Tensor
    vectors: Tensor
    residuals: Tensor
    converged: bool
    steps: int
    products: int
    subspaces: tuple[tuple[int, int], ...]
    finite: bool = True


def iterate(
    operator: LinearOperator,
    settings: KrylovSettings,
    cancelled: Callable[[], bool] = lambda: False,
    start: Tensor | None = None,
) -> Iterator[KrylovStep | Spectrum]:
    """Solve step by step: a KrylovStep after each, the Spectrum last.

    `start` (j, n) are rows that the first block begins with, whatever their norms. The first block holds all of them
    and some random rows, and the run goes on until the best vector that these lead to is sure to stay below the k-th:
    a start that is accurate but not the best is left again. The exact vectors save a third of the products, rows 35°
    from them none.
    `cancelled` is asked before every product, and a product may itself raise Cancelled; either way the Spectrum of what
    there is comes next, with `converged` False. Raises InputError for more vectors than the operator has, and for a
    start of another width, with NaN or of zeros, and when the first step is not finite; a later one ends like a cancel.
    """
    m, n = operator.shape
    wanted = settings.vectors
    if wanted > min(m, n):
        raise InputError(
            f"Expected at most {min(m, n)} vectors from a Jacobian of {m} outputs by {n} inputs, got {wanted}; "
            "ask for fewer, or read the effect on more tokens."
        )
    if start is not None:
        _check_start(start, n)
    started = time.perf_counter()
    krylov = settings.solver == "krylov"
    ritz = RayleighRitz(operator, wanted, settings.seed)
    tolerance = max(settings.tolerance, HALF_TOLERANCE) if is_half(operator.precision) else settings.tolerance
    pace = Pace(settings.vectors, settings.steps, tolerance)
    columns = min(settings.columns, n)
    block = ritz.first_block(columns, start, beside=RANDOM_BESIDE_START if krylov else wanted)
    given = len(block) - ritz.random_rows
    check = MissedCheck(ritz.random_rows, SAFE_ROWS if krylov else wanted + SAFE_ROWS)
    step, products, converged, finite = 0, 0, False, True
    try:
        while True:
            if not krylov:
                ritz.clear()
            _stop_if(cancelled)
            ritz.add(block, _finite(operator.matmat(block.to(operator.device, operator.dtype))))
            products += len(block)
            left = ritz.newest_left
            if len(left) > 0:
                _stop_if(cancelled)
                ritz.add_transposed(_finite(operator.rmatmat(left)))
                products += len(left)
            step += 1
            values, residuals = ritz.singular_values, ritz.residuals
            block = ritz.next_block(columns, everything=not krylov)
            accurate = len(values) == wanted and bool(residuals.max() <= tolerance)
            converged = accurate and step >= check.until
            if converged and given > 0 and len(block) > 0:
                beyond = ritz.beyond(given) if krylov else ritz.beyond(0)
                converged = step > 1 and not may_exceed(beyond, float(values[-1]), tolerance)
            if converged and (lacking := check.lacking(values, residuals, ritz.rounding)) > 0:
                more = ritz.widened(block, max(lacking, settings.columns) if krylov else lacking, everything=not krylov)
                if len(more) > len(block):
                    check.add(len(more) - len(block), step)
                    columns, block, converged = len(more), more, False
                    pace.expect(check.until)
            pace.record(step, values, residuals)
            last = converged or step == settings.steps or len(block) == 0 or (pace.stalled and not accurate)
            yield KrylovStep(
                step=step,
                steps=step if last else pace.steps,
                singular_values=_padded(values, wanted, 0.0),
                residuals=_padded(residuals, wanted, 1.0),
                seconds=time.perf_counter() - started,
                share=1.0 if last else pace.share,
            )
            if last:
                break
    except Cancelled:
        converged = False
    except _NotFinite:
        if step == 0:
            raise InputError(
                "Expected a Jacobian of finite numbers, got NaN or infinity; load the model with dtype float32, or "
                "choose other layers."
            ) from None
        converged, finite = False, False
    values, vectors = ritz.refined()
    residuals = ritz.residuals
    yield Spectrum(
        singular_values=values.float(),
        vectors=with_fixed_signs(orthonormalise(vectors)).float(),
        residuals=residuals.float(),
        converged=converged,
        steps=step,
        products=products,
        subspaces=tuple(rows for rows in bands(values) if rows[1] - rows[0] > 1),
        finite=finite,
    )


def solve(operator: LinearOperator, settings: KrylovSettings) -> Spectrum:
    """The Spectrum that `iterate` ends with."""
    *_, spectrum = iterate(operator, settings)
    assert isinstance(spectrum, Spectrum)
    return spectrum


def _check_start(start: Tensor, width: int) -> None:
    if start.ndim != 2 or start.shape[1] != width or not start.is_floating_point():
        raise InputError(
            f"Expected vectors of width {width} to start from, got shape {tuple(start.shape)}; use vectors that were "
            "found on this model."
        )
    if not bool(start.isfinite().all()) or not bool(start.any()):
        raise InputError(
            "Expected finite vectors to start from, not all of them zero, got NaN, infinity or zeros; start from "
            "others, or at random."
        )


def _padded(values: Tensor, length: int, filler: float) -> Tensor:
    return torch.cat([values.float(), torch.full((length - len(values),), filler)])


class _NotFinite(Exception):
    """A product holds NaN or infinity."""


def _finite(product: Tensor) -> Tensor:
    if not bool(product.isfinite().all()):
        raise _NotFinite
    return product


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
