"""Deep causal transcoding: factors of the map θ ↦ mean displacement at t (A. Mack, 2024).

Δ(θ) is f(θ) − f(0) averaged over the positions that are read and over prompts, (d,). It is taken to be a sum of shallow
factors, Δ(Rθ) ≈ Σ α_l (exp⟨v_l, θ⟩ − 1) u_l or Σ α_l ⟨v_l, θ⟩² u_l. Both are fitted by the same iteration over all
factors at once (algorithms 2 and 3 there): make the v_l orthonormal in their order, then replace u_l and v_l by the
gradients of the causal importance, ⟨u_l, Δ(R v_l)⟩ or T(u_l, v_l, v_l) with T the second derivative of Δ at 0, and
normalise. The last gradients are not made orthogonal: factors may lean towards each other.

Here u_l is always the gradient at the present v_l, and v_l the side of ±v_l that moves the target further: on planted
exponential factors both are needed to find them all (assets/docs/LOG.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.displacement import Displaceable, Piece, in_parts, squared, value
from playground.core.linear_radius import half_radius
from playground.core.settings import DctSettings
from playground.errors import Cancelled, InputError

PROJECTIONS = 32
"""Random directions at the target whose Jacobian it begins with, as published; more where more vectors are asked."""
CALIBRATION_TRIES = 12
"""Tries at the radius: far above it the deviation may be nearly one, and each try then only halves the radius."""
STILL = 1e-3
"""It has converged when 1 − |cosine| with the step before is at most this for every v."""


@dataclass(frozen=True)
class DctStep:
    """State at a step: `objective` (k,) float32, the causal importance of every factor before the step; `change`, the
    largest 1 − |cosine| by which a v turned in it. `share` is the part done.
    """

    step: int
    steps: int
    objective: Tensor
    change: float
    seconds: float
    share: float


@dataclass(frozen=True)
class DctResult:
    """`vectors` (k, d) of norm R, strongest first, not orthogonal in general, float32 on the CPU, and what is known at
    them, (k,) each.

    `strengths`: α of the fit. `objective`: ‖Δ(R v)‖, or ½R²‖T(·, v, v)‖. `displacement`: √(mean over prompts of
    ‖f(R v) − f(0)‖²), to be compared with R·σ. Of a quadratic form, where ±v are the same factor, the sign is the one
    of the larger displacement. After a cancel they are the orthonormal ones that the last whole step began with, none
    (0, d) before one, without `displacement`; so they are when the next numbers were not `finite`.
    """

    vectors: Tensor
    strengths: Tensor
    objective: Tensor
    displacement: Tensor | None
    steps: int
    converged: bool
    cancelled: bool
    finite: bool = True


def iterate(
    target: Displaceable, settings: DctSettings, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[DctStep | DctResult]:
    """Fit step by step: a DctStep after each, the DctResult last.

    `cancelled` is asked before every piece of the map; the DctResult of what there is comes next, without another pass.
    Raises InputError for more vectors than dimensions, and for a first effect that is zero or not finite.
    """
    if settings.vectors > target.width:
        raise InputError(
            f"Expected at most {target.width} vectors, the width of the model, got {settings.vectors}; ask for fewer."
        )
    begun = time.perf_counter()
    ascend = _exponential if settings.form == "exponential" else _quadratic
    known = _Known(target, settings)
    try:
        v = _start(target, settings, cancelled)
        for step in range(1, settings.steps + 1):
            basis, outputs, inputs = ascend(target, _orthonormal(v), settings.radius, cancelled)
            known.take(basis, outputs, step)
            turned = _unit(inputs)
            # Against the end of the step before, which was not made orthogonal either.
            change = float((1 - (turned * v).sum(dim=1).abs()).max()) if step > 1 else 1.0
            v = turned
            yield DctStep(
                step=step,
                steps=settings.steps,
                objective=outputs.norm(dim=1).float(),
                change=change,
                seconds=time.perf_counter() - begun,
                share=step / settings.steps,
            )
            if change <= STILL:
                break
        result = known.evaluated(v, change <= STILL, cancelled)
    except Cancelled:
        result = replace(known.result, cancelled=True)
    except _NotFinite:
        if not len(known.result.vectors):
            raise
        result = replace(known.result, finite=False)
    yield result


def solve(
    target: Displaceable, settings: DctSettings, cancelled: Callable[[], bool] = lambda: False
) -> DctResult:
    """The DctResult that `iterate` ends with."""
    *_, result = iterate(target, settings, cancelled)
    assert isinstance(result, DctResult)
    return result


def dct_radius(
    target: Displaceable,
    units: Tensor,
    least: float,
    most: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """The radius R between `least` and `most` with √(mean over `units` (m, d) of ‖Δ(Rv) − R·Jv‖² / ‖R·Jv‖²) = 1/2,
    within about a tenth; `most` where that is less there. J is the exact Jacobian of Δ at 0. Raises Cancelled.

    linear_radius.py has the same of the displacement that is not averaged.
    """
    image = jacobian_products(target, units, cancelled)
    sizes = image.norm(dim=1).clamp(min=torch.finfo(torch.float32).tiny)

    def deviation(radius: float) -> float:
        off = (_at(target, radius * units, cancelled)[1] / radius - image).norm(dim=1) / sizes
        share = float(off.square().mean().sqrt())
        return share if share < float("inf") else float("inf")

    return half_radius(deviation, least, most, CALIBRATION_TRIES)


def jacobian_products(
    target: Displaceable, rows: Tensor, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """J v for every row v (k, d), J the Jacobian of Δ at 0: (k, d) float64 on the CPU. Exact: forward mode by reverse
    mode twice.
    """

    def work(piece: Piece, some: Tensor) -> Tensor:
        theta, u = _leaf(some), _leaf(some)
        (pulled,) = torch.autograd.grad(_mean(piece, piece.run(theta), target.prompts), theta, u, create_graph=True)
        (image,) = torch.autograd.grad(pulled, u, some)
        return image

    return _summed(target, rows, work, cancelled)


def bent(target: Displaceable, v: Tensor, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
    """T(·, v, v) for every row v (k, d), T the second derivative of Δ at 0: (k, d) float64 on the CPU, exact."""

    def work(piece: Piece, some: Tensor) -> Tensor:
        theta, u = _leaf(some), _leaf(some)
        (pulled,) = torch.autograd.grad(_mean(piece, piece.run(theta), target.prompts), theta, u, create_graph=True)
        (turned,) = torch.autograd.grad(pulled, theta, some, create_graph=True)
        (image,) = torch.autograd.grad(turned, u, some)
        return image

    return _summed(target, v, work, cancelled)


def hessian_products(
    target: Displaceable, u: Tensor, v: Tensor, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """T(u, v, ·) for rows u and v, (k, d) each: (k, d) float64 on the CPU, exact."""

    def work(piece: Piece, some: Tensor) -> Tensor:
        outputs, inputs = some.chunk(2, dim=1)
        theta = _leaf(inputs)
        mean = _mean(piece, piece.run(theta), target.prompts)
        (pulled,) = torch.autograd.grad(mean, theta, outputs, create_graph=True)
        (image,) = torch.autograd.grad(pulled, theta, inputs)
        return image

    return _summed(target, torch.cat([u, v], dim=1), work, cancelled)


def gradient_products(
    target: Displaceable, u: Tensor, theta: Tensor, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """J(θ)ᵀ u for rows u and θ, (k, d) each, J(θ) the Jacobian of Δ at θ: (k, d) float64 on the CPU."""

    def work(piece: Piece, some: Tensor) -> Tensor:
        outputs, inputs = some.chunk(2, dim=1)
        theta = inputs.clone().requires_grad_()
        image: Tensor = torch.autograd.grad(_mean(piece, piece.run(theta), target.prompts), theta, outputs)[0]
        return image

    return _summed(target, torch.cat([u, theta], dim=1), work, cancelled)


Ascended = tuple[Tensor, Tensor, Tensor]
"""Directions v (k, d), some turned round; u by its gradient, not normalised; the gradient by v, up to its length."""


def _quadratic(target: Displaceable, v: Tensor, radius: float, cancelled: Callable[[], bool]) -> Ascended:
    """Of ½R²·T(u, v, v)."""
    outputs = radius**2 / 2 * bent(target, v, cancelled)
    return v, outputs, hessian_products(target, _unit(outputs), v, cancelled)


def _exponential(target: Displaceable, v: Tensor, radius: float, cancelled: Callable[[], bool]) -> Ascended:
    """Of ⟨u, Δ(R v)⟩, on the side of v that moves the target further: on the other one an exponential is flat, and its
    gradient is that of other factors.
    """
    ahead, back = (_at(target, sign * radius * v, cancelled)[1] for sign in (1, -1))
    turn = (back.norm(dim=1) > ahead.norm(dim=1))[:, None]
    v, outputs = torch.where(turn, -v, v), torch.where(turn, back, ahead)
    return v, outputs, gradient_products(target, _unit(outputs), radius * v, cancelled)


def _start(target: Displaceable, settings: DctSettings, cancelled: Callable[[], bool]) -> Tensor:
    """Leading right singular vectors (k, d) of the Jacobian at 0 behind a random projection (algorithm 1′ there)."""
    projections = random_directions(
        min(target.width, max(PROJECTIONS, settings.vectors)), target.width, settings.seed
    ).double()
    rows = gradient_products(target, projections, torch.zeros_like(projections), cancelled)
    right: Tensor = torch.linalg.svd(rows, full_matrices=False)[2]
    return right[: settings.vectors]


class _Known:
    """What is known of the factors after the last whole step."""

    def __init__(self, target: Displaceable, settings: DctSettings) -> None:
        self._target, self._settings = target, settings
        nothing = torch.empty(0)
        self.result = DctResult(torch.empty(0, target.width), nothing, nothing, None, 0, False, False)

    def take(self, v: Tensor, outputs: Tensor, steps: int) -> None:
        """Directions that a step began with, and what it found at them."""
        self.result = self._result(v, outputs, None, steps, False)

    def evaluated(self, v: Tensor, converged: bool, cancelled: Callable[[], bool]) -> DctResult:
        """The result at the directions that the last step ended with. Raises Cancelled."""
        radius, steps = self._settings.radius, self.result.steps
        moved, means = _at(self._target, radius * v, cancelled)
        if self._settings.form == "quadratic":
            back, _ = _at(self._target, -radius * v, cancelled)
            v = torch.where((back > moved)[:, None], -v, v)
            moved = torch.maximum(moved, back)
            means = radius**2 / 2 * bent(self._target, v, cancelled)
        return self._result(v, means, moved, steps, converged)

    def _result(self, v: Tensor, outputs: Tensor, moved: Tensor | None, steps: int, converged: bool) -> DctResult:
        u, objective = _unit(outputs), outputs.norm(dim=1)
        alike = v @ v.T
        overlap = alike.expm1() if self._settings.form == "exponential" else alike.square()
        # Least squares of least norm: two factors may be the same.
        alpha = torch.linalg.lstsq((u @ u.T) * overlap, objective[:, None], driver="gelsd").solution[:, 0]
        order = alpha.argsort(descending=True)
        return DctResult(
            vectors=(self._settings.radius * v)[order].float(),
            strengths=alpha[order].float(),
            objective=objective[order].float(),
            displacement=None if moved is None else moved[order].float(),
            steps=steps,
            converged=converged,
            cancelled=False,
        )


class _NotFinite(InputError):
    """Effects or gradients are NaN, infinite or zero."""


def _at(target: Displaceable, theta: Tensor, cancelled: Callable[[], bool]) -> tuple[Tensor, Tensor]:
    """The displacement (k,) and Δ (k, d) at every row of θ (k, d), float64."""

    def both(states: Tensor, piece: Piece) -> Tensor:
        return torch.cat([squared(states, piece)[:, None], _mean(piece, states, target.prompts)], dim=1)

    found = _finite(value(target, theta.to(target.dtype), both, cancelled).double())
    return (found[:, 0] / target.prompts).sqrt(), found[:, 1:]


def _mean(piece: Piece, states: Tensor, prompts: int) -> Tensor:
    """This piece's part of Δ: (r, d), for its states (r, b, K, d)."""
    moved = piece.moved(states)
    counted = piece.mask.to(moved)
    mean: Tensor = torch.einsum("rbkd,bk->rd", moved, counted / counted.sum(dim=1, keepdim=True).clamp(min=1) / prompts)
    return mean


def _summed(
    target: Displaceable, rows: Tensor, work: Callable[[Piece, Tensor], Tensor], cancelled: Callable[[], bool]
) -> Tensor:
    """Σ over pieces of `work` (r, …) on the rows (k, …): (k, …) float64 on the CPU."""

    def part(some: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for piece in target.pieces(len(some)):
            if cancelled():
                raise Cancelled
            with torch.enable_grad():
                total = total + work(piece, some.to(target.device, target.dtype)).detach().cpu().double()
        return total

    return _finite(torch.cat(in_parts(target, rows.detach(), part)))


def _leaf(like: Tensor) -> Tensor:
    return torch.zeros_like(like).requires_grad_()


def _finite(rows: Tensor) -> Tensor:
    if not bool(rows.isfinite().all()):
        raise _NotFinite(
            "Expected finite effects, but the model gave numbers too large or undefined; use a smaller radius, or run "
            "the model in float32."
        )
    return rows


def _unit(rows: Tensor) -> Tensor:
    norms = rows.norm(dim=1, keepdim=True)
    if not bool((norms > 0).all()):
        raise _NotFinite(
            "Expected every factor to move the target, got one that moves nothing; use fewer vectors, or the other "
            "form."
        )
    unit: Tensor = rows / norms
    return unit


def _orthonormal(rows: Tensor) -> Tensor:
    """Orthonormal rows (k, d), each to the side of the row it came from: of an exponential ±v are different."""
    columns, corner = torch.linalg.qr(rows.T)
    basis: Tensor = (columns * torch.where(corner.diagonal() < 0, -1.0, 1.0)).T
    return basis
