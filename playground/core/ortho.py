"""MELBO-ortho: directions that do what a given one does, orthogonal to it and to each other.

Given a base θ₀, find θ with Σ_prompts ‖z(θ) − z(θ₀)‖₂ as small as it gets, where z is
the residual stream at t averaged over all real positions of a prompt, and θ is orthogonal to θ₀ and to every vector
found before; its norm is free (MELBO-ortho: g-w1, 2024).

The constraint stands inside the objective: what Adam moves is a free φ, and what is run is θ = φ − QQᵀφ, Q a basis
of θ₀ and all vectors found. The published code projects θ after Adam's step instead; Adam then scales its step by a
gradient that points mostly along θ₀, where it may not go.

Vectors are trained a batch at a time. In a batch vector i is kept orthogonal to the vectors j < i and not the other way
round, so that the first is as free as if it were alone: with Ψ the projected rows and Ψᵀ = PR, θ_i = R_ii p_i, and the
gradient passes to row i through 1 − Σ_{j<i} p_j p_jᵀ alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.core.adam import Adam
from playground.core.complement import Complement
from playground.core.displacement import Displaceable, value_and_gradient
from playground.core.likeness import Likeness
from playground.core.settings import ORTHO_RATE, OrthoSettings
from playground.errors import Cancelled, InputError

Stopped = Literal["count", "effect", "space", "cancel", "overflow"]

START = 2.0
"""Norm of the first guesses, in norms of the base. What of a guess has no effect stays in the vector, and leaves room
for the next ones: two short vectors with one effect soon span the shared part of it, and no other one can have it then.
On a toy of rank 20 in 80 dimensions 7 vectors keep the effect from a start of 0.1, 10 from 1 and 17 from 2; on the
organism, which has little redundancy, the effects are the same from 0.5 and from 2."""

_PATIENCE = 10  # steps without progress before the learning rate is cut
_PROGRESS = 0.001  # … progress: the mean effect grows by at least this
_CUT = 0.5  # what the learning rate is multiplied with
_CUTS = 4  # how often; after that a batch without progress is finished


@dataclass(frozen=True)
class OrthoStep:
    """A batch under way: `step` of at most `steps` of batch number `batch` (from 0, in this run).

    `loss` (b,) is Σ_prompts ‖z(θ) − z(base)‖ without the penalty, `effect` (b,) = 1 − loss/loss(0). `seconds` since the
    run began, `share` (0 to 1, never falling) the part of it that is done if nothing stops it early.
    """

    batch: int
    step: int
    steps: int
    loss: Tensor
    effect: Tensor
    seconds: float
    share: float


@dataclass(frozen=True)
class OrthoBatch:
    """A finished batch. `first` is the number of its first vector, known ones counted.

    `vectors` (b, d) float32 CPU in native norm; `objective` (b,) the loss they reach, penalty left out, and `effect`
    (b,) = 1 − loss/loss(0), the share of the base's effect that they keep; `seconds` the batch took.
    """

    first: int
    vectors: Tensor
    objective: Tensor
    effect: Tensor
    seconds: float


@dataclass(frozen=True)
class OrthoResult:
    """What this run found: `vectors` (m, d), `objective` (m,) and `effect` (m,), as in OrthoBatch; m may be 0.

    `stopped`: all vectors asked for are there (count), a batch kept too little of the effect (effect), no dimension is
    left (space), or it was asked to stop (cancel).
    """

    vectors: Tensor
    objective: Tensor
    effect: Tensor
    stopped: Stopped


def iterate(
    target: Displaceable,
    base: Tensor,
    settings: OrthoSettings,
    known: Tensor | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[OrthoStep | OrthoBatch | OrthoResult]:
    """Find vectors batch by batch: an OrthoStep after each step, an OrthoBatch after each batch, the OrthoResult last.

    `base` (d,) is in native norm. `known` (n, d) are vectors found before with this base, which continue a run: the
    first guesses of a batch depend on the seed and on how many are known, so that a run taken up again at the end of a
    batch finds what an uninterrupted one finds. Every vector is orthogonal to the base, the known ones and all earlier
    ones to float32 rounding. `cancelled` is asked before each step and between pieces; the batch under way is then
    kept if its mean effect has reached `stop_share`, and dropped otherwise.

    Raises InputError for a base or known vectors of another width, with NaN or of norm zero, for a base without effect,
    when as many vectors as asked for are known already, and when they leave no dimension.
    """
    started = time.perf_counter()
    known = torch.empty(0, target.width) if known is None else known.detach().cpu()
    base = base.detach().cpu()
    _check(target.width, base, known, settings)
    complement = Complement(torch.cat([base[None].double(), known.double()]))
    if complement.left == 0:
        raise InputError(
            f"Expected a dimension left for another vector, but the base and the {len(known)} known ones span all "
            f"{target.width}; there are no more to find."
        )
    wanted = settings.vectors - len(known)
    planned = min(wanted, complement.left)
    batches: list[OrthoBatch] = []
    found = 0
    stopped: Stopped = "count" if planned == wanted else "space"
    try:
        likeness = Likeness(target, base.float(), cancelled)
        while found < planned:
            size = min(settings.batch, planned - found)
            training = _Training(target, likeness, complement, settings, base, size, number=len(known) + found)
            try:
                for step, loss in training.steps(cancelled):
                    yield OrthoStep(
                        batch=len(batches),
                        step=step,
                        steps=settings.steps,
                        loss=loss,
                        effect=likeness.effect(loss),
                        seconds=time.perf_counter() - started,
                        share=(found + size * step / settings.steps) / planned,
                    )
            except Cancelled:
                stopped = "cancel"
            batch = training.finished()
            lost = batch is None or float(batch.effect.mean()) < settings.stop_share
            if stopped == "cancel" and lost:
                break
            if batch is None and batches:
                stopped = "overflow"
                break
            if batch is None:
                raise InputError(
                    "Expected a finite residual stream at the target layer under a first guess as long as the base, "
                    "got other values; make the base shorter."
                )
            batches.append(batch)
            found += size
            yield batch
            if stopped == "cancel":
                break
            if lost and settings.stop_share > 0:
                stopped = "effect"
                break
    except Cancelled:
        stopped = "cancel"
    yield OrthoResult(
        vectors=torch.cat([torch.empty(0, target.width), *(batch.vectors for batch in batches)]),
        objective=torch.cat([torch.empty(0), *(batch.objective for batch in batches)]),
        effect=torch.cat([torch.empty(0), *(batch.effect for batch in batches)]),
        stopped=stopped,
    )


def solve(target: Displaceable, base: Tensor, settings: OrthoSettings, known: Tensor | None = None) -> OrthoResult:
    """The OrthoResult that `iterate` ends with."""
    *_, result = iterate(target, base, settings, known)
    assert isinstance(result, OrthoResult)
    return result


def _check(width: int, base: Tensor, known: Tensor, settings: OrthoSettings) -> None:
    if base.shape != (width,):
        raise InputError(f"Expected a base of width {width}, got {tuple(base.shape)}; use one found on this model.")
    if known.ndim != 2 or known.shape[1] != width:
        raise InputError(
            f"Expected known vectors of width {width}, got {tuple(known.shape)}; use a set found on this model."
        )
    for name, rows in (("base", base[None]), ("known vector", known)):
        norms = rows.norm(dim=1)
        wrong = (~(norms.isfinite() & (norms > 0))).nonzero()
        if len(wrong) > 0:
            raise InputError(
                f"Expected every {name} to have a finite norm above 0, got {float(norms[wrong[0]])} in row "
                f"{int(wrong[0])}; use another."
            )
    if len(known) >= settings.vectors:
        raise InputError(
            f"Expected to look for more vectors than the {len(known)} that are known, got {settings.vectors} in all; "
            "ask for more."
        )


class _Training:
    """A batch of vectors: φ, Adam's state, and the best θ so far."""

    def __init__(
        self,
        target: Displaceable,
        likeness: Likeness,
        complement: Complement,
        settings: OrthoSettings,
        base: Tensor,
        size: int,
        number: int,
    ) -> None:
        self._target, self._likeness, self._complement, self._settings = target, likeness, complement, settings
        self._number = number
        # One stream of guesses for each batch, told apart by how many vectors are known when it starts.
        self._generator = torch.Generator().manual_seed((1_000_003 * settings.seed + number) % 2**63)
        norm = float(base.double().norm())
        self._free = complement.draw(size, START * norm, self._generator).float()
        rate = settings.learning_rate
        self._adam = Adam(ORTHO_RATE * norm / len(base) ** 0.5 if rate is None else rate)
        self._best: tuple[Tensor, Tensor] | None = None
        self._started = time.perf_counter()

    def steps(self, cancelled: Callable[[], bool]) -> Iterator[tuple[int, Tensor]]:
        """Train: (step, loss (b,)) after each step, until the last one or until nothing improves."""
        patience, cuts, lowest, reached = 0, 0, math.inf, math.inf
        for step in range(1, self._settings.steps + 1):
            if cancelled():
                raise Cancelled
            theta, directions = self._complement.ordered(self._free)
            loss, gradient = value_and_gradient(self._target, theta, self._likeness, cancelled)
            total = float((loss + self._settings.penalty * theta.square().sum(dim=1)).sum())
            if not math.isfinite(total):
                return
            if total < lowest:
                lowest, self._best = total, (theta, loss)
            yield step, loss
            if total < reached - _PROGRESS * len(theta) * self._likeness.still:
                reached, patience = total, 0
            else:
                patience += 1
                if patience == _PATIENCE:
                    if cuts == _CUTS:
                        return
                    cuts, patience = cuts + 1, 0
                    self._adam.rate *= _CUT
            gradient = self._complement.gradient(gradient + 2 * self._settings.penalty * theta, directions)
            # From θ and not from φ: what the projection removes has no effect, and would only be carried along.
            self._free = theta + self._adam.step(gradient)

    def finished(self) -> OrthoBatch | None:
        """The best rows that all were run together, made exactly orthogonal and taken out of the complement."""
        if self._best is None:
            return None
        theta, loss = self._best
        return OrthoBatch(
            first=self._number,
            vectors=self._complement.settle(theta, self._generator),
            objective=loss,
            effect=self._likeness.effect(loss),
            seconds=time.perf_counter() - self._started,
        )
