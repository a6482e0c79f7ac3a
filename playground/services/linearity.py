"""Displacement along directions over radii, beside the Jacobian's linear prediction.

Along a unit vector v, f(Rv) − f(0) is R·Jv while R is small. f reads the residual stream at t of all prompts together,
so that ‖Jv‖ is σ for a vector of power iteration on the same prompts and positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.core.linear_radius import HALF
from playground.core.operators import LinearOperator
from playground.errors import Cancelled, InputError
from playground.library.mix import LoadSet
from playground.library.rows import check_rows
from playground.library.text import shown
from playground.library.vector_set import VectorSet
from playground.limits import check_count, check_whole, limits
from playground.model.cut.layer_slice import LayerSlice
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.services.set_prompts import prompts_of

RELATIVE_RADII = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)


@dataclass(frozen=True, kw_only=True)
class LinearityRequest:
    """Request of a linearity measurement: rows of a set (None: all) on its own prompts, from its source to its target.

    `source_set` is a set or the name of one. `relative_radii` are radii over the reference norm that it holds,
    ascending. `target` and `target_tokens` take the place of the set's own where it has none.
    Raises InputError for radii that are not positive, or not ascending.
    """

    source_set: VectorSet | str
    rows: tuple[int, ...] | None = None
    relative_radii: tuple[float, ...] = RELATIVE_RADII
    target: int | None = None
    target_tokens: int | None = None
    memory_budget: int | None = None

    def __post_init__(self) -> None:
        radii = tuple(self.relative_radii)
        object.__setattr__(self, "relative_radii", radii)
        ascending = all(low < high for low, high in zip(radii, radii[1:], strict=False))
        check_count("radii", len(radii), limits().radii, "give some, as 0.1, 0.5, 1", least=1)
        if not all(math.isfinite(r) and r > 0 for r in radii) or not ascending:
            raise InputError(
                f"Expected radii above 0, ascending, got {shown(list(radii))}; give some, as 0.1, 0.5, 1."
            )
        if self.target_tokens is not None:
            check_whole("number of target tokens", self.target_tokens, least=1, most=limits().target_tokens)


@dataclass(frozen=True)
class Linearity:
    """Rows of a set, both signs (plus first), over m radii R in units of the residual stream.

    radii (m,). measured (rows, 2, m): √(mean over prompts of ‖f(±Rv) − f(0)‖²). predicted (rows, m): R·‖Jv‖.
    deviation (rows, 2, m): ‖f(±Rv) − f(0) ∓ R·Jv‖ / ‖R·Jv‖. linear_radius (rows, 2): the smallest R at which the
    deviation is one half, between radii by a straight line on a log scale; 0 where none of the radii reaches it.
    `residual_norm` is relative scale 1. All float32.
    """

    rows: tuple[int, ...]
    radii: Tensor
    measured: Tensor
    predicted: Tensor
    deviation: Tensor
    linear_radius: Tensor
    residual_norm: float


@within_memory
@interrupts_passes
def linearity(
    loaded: LoadedModel,
    request: LinearityRequest,
    emit: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    load_set: LoadSet | None = None,
) -> Linearity:
    """Measure displacements. `emit` gets the share done after each row; `load_set` loads a set that is named.

    Raises InputError for rows that are not there or have norm 0 and for a set without a target layer or prompts,
    FileError for a set of another width, ModelError when memory runs out, Cancelled after a cancel.
    """
    vector_set = request.source_set
    if isinstance(vector_set, str):
        if load_set is None:
            raise ValueError("Expected load_set for a request that names a set, got None.")
        vector_set = load_set(vector_set)
    rows = check_rows(vector_set, request.rows)
    units = torch.stack([vector_set.unit(row) for row in rows])
    part = _slice(loaded, vector_set, request, cancelled)
    reference = vector_set.origin.residual_norm
    radii = torch.tensor(request.relative_radii, dtype=torch.float64) * reference
    operator = part.jacobian()
    measured, predicted, deviation = [], [], []
    for number, unit in enumerate(units):
        if cancelled():
            raise Cancelled
        own_measured, gain, own_deviation = _along(part, operator, unit, radii.float())
        measured.append(own_measured)
        predicted.append(radii * gain)
        deviation.append(own_deviation)
        emit((number + 1) / len(units))
    deviations = torch.stack(deviation)
    return Linearity(
        rows=rows,
        radii=radii.float(),
        measured=torch.stack(measured).float(),
        predicted=torch.stack(predicted).float(),
        deviation=deviations.float(),
        linear_radius=_crossings(radii, deviations).float(),
        residual_norm=reference,
    )


def with_linear_radii(vector_set: VectorSet, found: Linearity) -> VectorSet:
    """The set with the linear radii of the rows that were measured; those of other rows stay, or are 0."""
    known = vector_set.linear_radii
    radii = torch.zeros(vector_set.rows, 2) if known is None else known.clone()
    radii[list(found.rows)] = found.linear_radius
    return replace(vector_set, linear_radii=radii)


def _slice(
    loaded: LoadedModel, vector_set: VectorSet, request: LinearityRequest, cancelled: Callable[[], bool]
) -> LayerSlice:
    origin = vector_set.origin
    target = origin.target if origin.target is not None else request.target
    if target is None:
        raise InputError(
            f"Expected a target layer to read the effect at, but “{vector_set.name}” has none; choose one above its "
            f"source layer {origin.source}."
        )
    tokens = origin.target_tokens if origin.target_tokens is not None else request.target_tokens
    return LayerSlice.prepare(
        loaded,
        prompts_of(loaded, vector_set),
        origin.source,
        target,
        tokens,
        memory_budget=request.memory_budget,
        cancelled=cancelled,
        read_sinks=origin.parameters.get("sinks", "read") == "read",  # files without it read all positions
    )


@torch.no_grad()
def _along(part: LayerSlice, operator: LinearOperator, unit: Tensor, radii: Tensor) -> tuple[Tensor, float, Tensor]:
    """Measured (2, m), ‖Jv‖, and deviation (2, m), along one unit vector (d,); float64."""
    root = math.sqrt(part.prompts)
    image = operator.matmat(unit[None]).view(part.prompts, -1, part.width) * root  # J_i v, (n, K, d)
    gain = float(image.cpu().double().norm()) / root
    lengths = torch.cat([radii, -radii])
    thetas = lengths[:, None] * unit
    moved = torch.zeros(len(lengths), dtype=torch.float64)
    off = torch.zeros(len(lengths), dtype=torch.float64)
    for piece in part.pieces(len(lengths)):
        change = piece.moved(piece.run(thetas))
        moved += change.square().sum(dim=(1, 2, 3)).cpu().double()
        expected = image[list(piece.prompts), -change.shape[2] :]
        change -= lengths.to(change)[:, None, None, None] * expected
        off += change.square().sum(dim=(1, 2, 3)).cpu().double()
    predicted = lengths.double().abs() * gain * root
    deviation = off.sqrt() / predicted.clamp(min=torch.finfo(torch.float32).tiny)
    return (moved.sqrt() / root).view(2, -1), gain, deviation.view(2, -1)


def _crossings(radii: Tensor, deviation: Tensor) -> Tensor:
    """(rows, 2): the smallest radius at which `deviation` (rows, 2, m) is one half; 0 where it stays below.

    Below the first radius the deviation is taken to be proportional to R, as the first term beyond the linear one is.
    """
    result = torch.zeros(deviation.shape[:2], dtype=torch.float64)
    for row, sign in ((row, sign) for row in range(deviation.shape[0]) for sign in range(2)):
        values = deviation[row, sign]
        beyond = (values >= HALF).nonzero()
        if len(beyond) == 0:
            continue
        high = int(beyond[0])
        if high == 0:
            result[row, sign] = radii[0] * HALF / values[0]
            continue
        low = max(float(values[high - 1]), 1e-12)
        share = math.log(HALF / low) / math.log(float(values[high]) / low)
        result[row, sign] = radii[high - 1] * (radii[high] / radii[high - 1]) ** share
    return result
