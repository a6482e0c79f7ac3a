"""The solvers' own settings, out of a request. Building one checks its values, with InputError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.core.settings import KrylovSettings, MelboSettings, OrthoSettings

if TYPE_CHECKING:
    from playground.services.find.request import FindRequest

RELATIVE_RADII = (0.02, 0.5)
"""Ends of MELBO's radius, in reference norms, when none is given: it is the radius up to which random pushes act as the
Jacobian says. Beyond half the reference norm texts break.
"""


def krylov(request: FindRequest) -> KrylovSettings:
    """Of power iteration; its defaults for the power iteration that another method starts from."""
    given = {} if request.steps is None or request.method != "power" else {"steps": request.steps}
    return KrylovSettings(
        vectors=request.vectors,
        tolerance=request.tolerance,
        block=request.block,
        seed=request.seed,
        solver=request.solver,  # type: ignore[arg-type]
        **given,
    )


def melbo(request: FindRequest, radius: float) -> MelboSettings:
    """Of MELBO; `radius` is in units of the residual stream."""
    given = {} if request.steps is None else {"steps": request.steps}
    return MelboSettings(
        radius=radius,
        vectors=request.vectors,
        p=request.p,
        q=request.q,
        learning_rate=request.learning_rate,
        restarts=request.restarts,
        seed=request.seed,
        **given,
    )


def ortho(request: FindRequest) -> OrthoSettings:
    """Of MELBO-ortho; its `vectors` counts those of earlier runs."""
    given = {} if request.steps is None else {"steps": request.steps}
    return OrthoSettings(
        vectors=request.vectors,
        batch=request.batch,
        learning_rate=request.learning_rate,
        penalty=request.penalty,
        stop_share=request.stop_share,
        seed=request.seed,
        **given,
    )
