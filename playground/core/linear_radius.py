"""Linear radius of a map: the radius at which random pushes depart from the Jacobian's prediction.

The calibration of deep causal transcoding (DCT): R with √(mean over v of ‖f(Rv) − f(0) − R·Jv‖² / ‖R·Jv‖²) = 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from playground.core.displacement import Displaceable
from playground.core.operators import LinearOperator
from playground.errors import Cancelled

HALF = 0.5
"""The relative deviation at which a push is no longer linear."""
_CLOSE = 0.1  # relative distance from HALF that is close enough
_TRIES = 6


@torch.no_grad()
def linear_radius(
    target: Displaceable,
    jacobian: LinearOperator,
    units: Tensor,
    least: float,
    most: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """The radius between `least` and `most` at which the deviation over `units` (m, d) is one half, within about a
    tenth; `most` where pushes are still linear there.

    `jacobian` is that of `target` at 0, over √prompts, as LayerSlice gives it. Costs a product and at most seven passes
    with m pushes. Raises Cancelled.
    """
    units = units.to(target.device)
    image = jacobian.matmat(units).view(len(units), target.prompts, -1, target.width) * math.sqrt(target.prompts)

    def deviation(radius: float) -> float:
        off = torch.zeros(len(units), dtype=torch.float64)
        linear = torch.zeros(len(units), dtype=torch.float64)
        for piece in target.pieces(len(units)):
            if cancelled():
                raise Cancelled
            change = piece.moved(piece.run(radius * units))
            expected = radius * image[:, list(piece.prompts), -change.shape[2] :].to(change)
            off += (change - expected).square().sum(dim=(1, 2, 3)).cpu().double()
            linear += expected.square().sum(dim=(1, 2, 3)).cpu().double()
        share = float((off / linear.clamp(min=torch.finfo(torch.float32).tiny)).mean().sqrt())
        return share if math.isfinite(share) else math.inf

    return half_radius(deviation, least, most)


def half_radius(deviation: Callable[[float], float], least: float, most: float, tries: int = _TRIES) -> float:
    """The radius between `least` and `most` at which `deviation`, about proportional to the radius, is one half, within
    about a tenth; `most` where it is less there. Asks at most once more than `tries`.
    """
    radius, low, high = most, least, most
    found = deviation(radius)
    if found < HALF:
        return most
    for _ in range(tries):
        # The first term beyond the linear one is of second order: the deviation is about proportional to R.
        radius *= HALF / found if found else 1.0
        if not low < radius < high:
            radius = math.sqrt(low * high)
        found = deviation(radius)
        if abs(found / HALF - 1) < _CLOSE:
            break
        low, high = (radius, high) if found < HALF else (low, radius)
    return radius
