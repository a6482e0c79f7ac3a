"""Settings of the solvers, checked when built. No torch: page and command line read defaults and bounds from here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from playground.errors import InputError

Solver = Literal["krylov", "subspace"]
SOLVERS: tuple[Solver, ...] = ("krylov", "subspace")

# Half of the vectors a block: for 12 vectors on the organism (mean of 8 seeds, 1 and 4 prompts) 40 columns until the
# energy is 0.995, where blocks of two thirds take 46, of all of them 50, at equal errors. Few vectors get up to six.
_USUAL_LEAST_BLOCK = 6
_SMALLEST_BLOCK = 4  # below this a batched product costs as much as one of four columns


@dataclass(frozen=True)
class KrylovSettings:
    """What to find and how.

    `vectors`: k, how many singular vectors. `steps`: at most this many (each one product with J and one with Jᵀ).
    `tolerance`: stop when every residual ‖Jᵀu − σv‖/σ is at most this, each relative to its own σ, and no vector was
    missed; in half precision at HALF_TOLERANCE at the earliest. σ is then off by far less: at 0.02, by 0.2 % at worst
    in 1500 runs on seven spectra, with an outlying σ₁ and without. At 0.03 one of 100 runs on a Gaussian matrix of 300
    columns had a value 1.2 % off. `block`:
    columns a product; None takes half of k for krylov (two thirds of it below 12, and at least 4) and twice k for
    subspace, which converges by what it carries beyond k. `seed` draws the first block. Raises InputError for values
    out of range.
    """

    vectors: int = 12
    steps: int = 40
    tolerance: float = 0.02
    block: int | None = None
    seed: int = 0
    solver: Solver = "krylov"

    def __post_init__(self) -> None:
        if self.vectors < 1:
            raise InputError(f"Expected at least one vector, got {self.vectors}; ask for 1 or more.")
        if self.steps < 1:
            raise InputError(f"Expected at least one step, got {self.steps}; allow 1 or more.")
        if not 0 < self.tolerance < 1:
            raise InputError(f"Expected a tolerance between 0 and 1, got {self.tolerance}; 0.02 is usual.")
        if self.block is not None and self.block < 1:
            raise InputError(f"Expected at least one column a product, got {self.block}; leave it out for the default.")
        if self.solver not in SOLVERS:
            raise InputError(f"Expected a solver among {', '.join(SOLVERS)}, got {self.solver!r}.")
        if self.solver == "subspace" and self.block is not None and self.block < self.vectors:
            raise InputError(
                f"Expected the subspace solver's block to hold all {self.vectors} vectors, got {self.block} columns; "
                "give it at least as many columns as vectors."
            )

    @property
    def columns(self) -> int:
        """Columns a product: `block`, or the default for the solver."""
        if self.block is not None:
            return self.block
        if self.solver == "subspace":
            return 2 * self.vectors
        few = min(_USUAL_LEAST_BLOCK, math.ceil(2 * self.vectors / 3))
        return max(_SMALLEST_BLOCK, few, math.ceil(self.vectors / 2))


PUBLISHED_RATE = 1e-3
"""Learning rate of the original, whatever the radius: a step of this size is a smaller turn on a larger sphere."""

MELBO_RATE = 0.3
"""Default length of a step over the radius. Adam moves every entry by the learning rate, so that is MELBO_RATE·R/√d."""

RESTARTS = 4
"""Restarts that are worth their time where the effect is far from linear, as at half the residual norm: 4 take 1.75
times as long as one."""

@dataclass(frozen=True)
class MelboSettings:
    """What to find and how.

    `vectors`: k. `radius`: R, the norm of every vector, in units of the residual stream. `p` weighs positions, `q`
    prompts (None: as p). `learning_rate` is absolute; None takes MELBO_RATE·R/√d. `restarts`: candidates for each
    vector; after a quarter of the steps the one that moves most goes on alone. `seed` draws where they start. Raises
    InputError for values out of range.
    """

    radius: float
    vectors: int = 12
    p: float = 2.0
    q: float | None = None
    steps: int = 300
    learning_rate: float | None = None
    restarts: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, number in (("vector", self.vectors), ("step", self.steps), ("restart", self.restarts)):
            if number < 1:
                raise InputError(f"Expected at least one {name}, got {number}; ask for 1 or more.")
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise InputError(f"Expected a radius above 0, got {self.radius}; a fifth of the reference norm is usual.")
        if not (math.isfinite(self.p) and self.p >= 1):
            raise InputError(f"Expected p to be 1 or more, got {self.p}; 2 is usual.")
        if self.q is not None and not (math.isfinite(self.q) and self.q > 0):
            raise InputError(f"Expected q above 0, got {self.q}; leave it out to take p.")
        if self.learning_rate is not None and not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(
                f"Expected a learning rate above 0, got {self.learning_rate}; leave it out to fit the radius."
            )

    def rate(self, width: int) -> float:
        """The learning rate that is used, absolute, for vectors of this width d."""
        return MELBO_RATE * self.radius / math.sqrt(width) if self.learning_rate is None else self.learning_rate


ORTHO_RATE = 1.0
"""The default learning rate moves θ by about this part of ‖base‖ a step: Adam moves every entry by the rate, which is
ORTHO_RATE·‖base‖/√d. The published rate, 0.01 at a norm of 7 and d = 2048, is 0.065 of it. The vectors end at three to
five times the base's norm, and the rate is cut on the way. On the organism (two prompts, six vectors) the mean effect
after 50 steps was 0.36 at 0.2, 0.46 at 0.5, 0.51 at 1 and 0.54 at 2; all but the first end near 0.58, 1 after 105
steps."""

@dataclass(frozen=True)
class OrthoSettings:
    """How many vectors to find, and how.

    `vectors`: at most this many in all, the base not counted and known ones counted. `batch`: how many are trained
    together. `steps`: at most, a batch; fewer when it no longer improves. `learning_rate`: of Adam, in units of θ; None
    is ORTHO_RATE·‖base‖/√d. `penalty`: λ of λ‖θ‖², added to each vector's loss. `stop_share`: stop after a batch whose
    mean effect is below this share, never when it is 0. `seed` draws the first guesses. Raises InputError for values
    out of range.
    """

    vectors: int = 64
    batch: int = 16
    steps: int = 300
    learning_rate: float | None = None
    penalty: float = 0.0
    stop_share: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name, number in (("vector", self.vectors), ("vector a batch", self.batch), ("step", self.steps)):
            if number < 1:
                raise InputError(f"Expected at least one {name}, got {number}; ask for 1 or more.")
        rate = self.learning_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InputError(f"Expected a learning rate above 0, got {rate}; leave it out for the default.")
        if not (math.isfinite(self.penalty) and self.penalty >= 0):
            raise InputError(f"Expected a penalty of 0 or more, got {self.penalty}; 0 leaves the norm free.")
        if not 0 <= self.stop_share < 1:
            raise InputError(
                f"Expected a share of the effect from 0 up to 1 to stop at, got {self.stop_share}; 0.05 is usual."
            )



DctForm = Literal["exponential", "quadratic"]
DCT_FORMS: tuple[DctForm, ...] = ("exponential", "quadratic")


@dataclass(frozen=True)
class DctSettings:
    """What to find and how.

    `vectors`: k, how many factors. `radius`: R, in units of the residual stream. `form`: what the map is taken to be a
    sum of, exponentials or squares of one direction each. `steps`: at most this many; fewer when the directions stand
    still. `seed` draws the projections whose Jacobian it begins with. Raises InputError for values out of range.
    """

    radius: float
    vectors: int = 12
    form: DctForm = "exponential"
    steps: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name, number in (("vector", self.vectors), ("step", self.steps)):
            if number < 1:
                raise InputError(f"Expected at least one {name}, got {number}; ask for 1 or more.")
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise InputError(f"Expected a radius above 0, got {self.radius}; a fifth of the reference norm is usual.")
        if self.form not in DCT_FORMS:
            raise InputError(f"Expected a form among {', '.join(DCT_FORMS)}, got {self.form!r}.")


METRICS = ("identity", "variance", "inverse-variance")
