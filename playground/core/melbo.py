"""MELBO: pushes of a given norm that move the residual stream at t as far as they can (Mack and Turner, 2024).

Maximises Σ over prompts of (Σ over positions of ‖f(θ) − f(0)‖₂ᵖ)^(1/q), the norm over the width, on the sphere ‖θ‖ = R.
Vectors are mutually orthogonal in their order. They train together, in one batch, with the order kept: vector i stays
orthogonal to the vectors j < i only, so that it ends where it would if they were trained one after the other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from playground.core.adam import Adam
from playground.core.contrast import random_directions
from playground.core.displacement import Displaceable, Piece, squared, value, value_and_gradient
from playground.core.geometry import orthonormalise
from playground.core.settings import MelboSettings
from playground.core.sphere import leading, ordered, tangent
from playground.errors import Cancelled, InputError

_BETAS = (0.9, 0.98)  # of the original, with amsgrad and without weight decay
_CHOOSING = 0.25  # share of the steps after which the best restart of each vector goes on alone: they are apart by then


@dataclass(frozen=True)
class MelboStep:
    """State at a step, before its update: `objective` and `displacement`, (k,) float32. `share` is the part done."""

    step: int
    steps: int
    objective: Tensor
    displacement: Tensor
    seconds: float
    share: float


@dataclass(frozen=True)
class MelboResult:
    """Vectors (k, d) of norm R, mutually orthogonal, float32 on the CPU; `objective` and `displacement` (k,) at them.

    `displacement` is √(mean over prompts of ‖f(θ) − f(0)‖²), to be compared with R·σ. `steps` counts the updates that
    led to these vectors. After a cancel they are those of the last step that was evaluated, none (0, d) before one was;
    so they are when the next effect was not `finite`.
    """

    vectors: Tensor
    objective: Tensor
    displacement: Tensor
    steps: int
    cancelled: bool
    finite: bool = True


def iterate(
    target: Displaceable,
    settings: MelboSettings,
    start: Tensor | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[MelboStep | MelboResult]:
    """Train step by step: a MelboStep after each, the MelboResult last.

    `start` (j, d) are directions that the first j vectors begin with, in the first restart; all others begin at random.
    `cancelled` is asked before every piece of the map; the MelboResult of what there is comes next.
    Raises InputError for more vectors than dimensions, a start that does not fit, and a first effect not finite.
    """
    rows = _start(target, settings, start)
    objective = _Objective(target, settings)
    begun = time.perf_counter()
    leaders = torch.zeros(settings.vectors, dtype=torch.int64)
    directions, basis = ordered(rows, leaders)
    theta = (settings.radius * directions).float()
    adam = Adam(settings.rate(target.width), _BETAS, amsgrad=True)
    known = MelboResult(torch.empty(0, target.width), torch.empty(0), torch.empty(0), 0, cancelled=True)
    try:
        for step in range(1, settings.steps + 1):
            values, moved, gradients = objective.with_gradient(theta, cancelled)
            known = _result(theta, leaders, values, moved, step - 1, cancelled=True)
            if len(theta) > 1:
                leaders = values.argmax(dim=0)
                directions, basis = ordered(theta, leaders)
                if step >= _CHOOSING * settings.steps:
                    chosen = partial(_leading, leaders=leaders)
                    theta, gradients = chosen(theta), chosen(gradients)
                    adam.select(chosen)
                    directions, leaders = basis[None], torch.zeros_like(leaders)
            uphill = tangent(gradients, directions, basis).float()
            directions, basis = ordered(theta + adam.step(-uphill), leaders)
            theta = (settings.radius * directions).float()
            yield MelboStep(
                step=step,
                steps=settings.steps,
                objective=known.objective,
                displacement=known.displacement,
                seconds=time.perf_counter() - begun,
                share=_share(step, settings),
            )
        values, moved = objective(theta, cancelled)
        known = _result(theta, leaders, values, moved, settings.steps, cancelled=False)
    except Cancelled:
        pass
    except _NotFinite:
        if not len(known.vectors):
            raise
        known = replace(known, finite=False)
    yield known


def _share(step: int, settings: MelboSettings) -> float:
    """The part of the work done after `step`: steps before the choice of the best restarts cost as many times more."""
    before = min(step, math.ceil(_CHOOSING * settings.steps))
    more = settings.restarts - 1
    return (step + more * before) / (settings.steps + more * math.ceil(_CHOOSING * settings.steps))


def solve(
    target: Displaceable,
    settings: MelboSettings,
    start: Tensor | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MelboResult:
    """The MelboResult that `iterate` ends with."""
    *_, result = iterate(target, settings, start, cancelled)
    assert isinstance(result, MelboResult)
    return result


class _NotFinite(InputError):
    """The effect of some vectors is NaN or infinite."""


class _Objective:
    """The objective and the displacement of candidates (m, k, d), from one pass over the map."""

    def __init__(self, target: Displaceable, settings: MelboSettings) -> None:
        self._target = target
        self._settings = settings

    def __call__(self, theta: Tensor, cancelled: Callable[[], bool]) -> tuple[Tensor, Tensor]:
        """Objective (m, k) and displacement (m, k)."""
        values = value(self._target, theta.flatten(0, 1), self._loss, cancelled)
        return self._checked(theta, values)

    def with_gradient(self, theta: Tensor, cancelled: Callable[[], bool]) -> tuple[Tensor, Tensor, Tensor]:
        """Objective (m, k), displacement (m, k), and gradients (m, k, d) of the objective."""
        values, gradients = value_and_gradient(self._target, theta.flatten(0, 1), self._loss, cancelled)
        return *self._checked(theta, values + 0 * gradients.sum(dim=1, keepdim=True)), gradients.view_as(theta)

    def _loss(self, states: Tensor, piece: Piece) -> Tensor:
        """(r, 2): the objective, and the squared displacement."""
        p, q = self._settings.p, self._settings.p if self._settings.q is None else self._settings.q
        squares = piece.moved(states).square().sum(dim=3)
        objective = _power(_power(squares, p / 2).sum(dim=2), 1 / q).sum(dim=1)
        return torch.stack([objective, squared(states.detach(), piece)], dim=1)

    def _checked(self, theta: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        if not values[:, 0].isfinite().all():
            raise _NotFinite(
                f"Expected a finite effect, but at radius {self._settings.radius:g}, p {self._settings.p:g} the model "
                "gave numbers too large or undefined; use a smaller radius or p, or run the model in float32."
            )
        objective, squares = values.view(*theta.shape[:2], 2).unbind(dim=2)
        return objective, (squares / self._target.prompts).sqrt()


def _power(base: Tensor, exponent: float) -> Tensor:
    """base ** exponent for base ≥ 0, with gradient 0 where the base is 0: nothing moved, or a padded position."""
    nothing = base == 0
    return torch.where(nothing, 0.0, torch.where(nothing, 1.0, base) ** exponent)


def _start(target: Displaceable, settings: MelboSettings, start: Tensor | None) -> Tensor:
    """Where the candidates (m, k, d) begin, before orthogonalisation."""
    k, d = settings.vectors, target.width
    if k > d:
        raise InputError(f"Expected at most {d} orthogonal vectors, the width of the model, got {k}; ask for fewer.")
    rows = random_directions(settings.restarts * k, d, settings.seed).view(settings.restarts, k, d)
    if start is None:
        return rows
    if start.ndim != 2 or not 1 <= len(start) <= k or start.shape[1] != d:
        raise InputError(
            f"Expected 1 to {k} start vectors of width {d}, got {tuple(start.shape)}; "
            "start from vectors of this model, as many as are wanted or fewer."
        )
    if not start.isfinite().all():
        raise InputError("Expected start vectors of finite numbers, got NaN or infinity; start from other vectors.")
    if len(orthonormalise(start.double())) < len(start):
        raise InputError(
            "Expected start vectors that point apart, got one that is zero or a mix of others; leave it out."
        )
    rows[0, : len(start)] = start.to(rows)
    return rows


def _leading(candidates: Tensor, leaders: Tensor) -> Tensor:
    """The candidates (m, k, d) that lead, as the only ones: (1, k, d)."""
    return leading(candidates, leaders)[None]


def _result(
    theta: Tensor, leaders: Tensor, values: Tensor, moved: Tensor, steps: int, cancelled: bool
) -> MelboResult:
    places = torch.arange(len(leaders))
    return MelboResult(
        vectors=leading(theta, leaders).clone(),
        objective=values[leaders, places].float(),
        displacement=moved[leaders, places].float(),
        steps=steps,
        cancelled=cancelled,
    )
