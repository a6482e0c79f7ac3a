"""Stage 3: MELBO's vectors and singular vectors, by cosines, principal angles and displacement at one radius."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from playground.core.displacement import displacement
from playground.core.geometry import cosines
from playground.library.vector_set import VectorSet
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import encode
from playground.services.evidence import svg
from playground.services.evidence.context import StageContext, angles, prompts_of_set
from playground.services.evidence.request import MelboSettings
from playground.services.evidence.svg import Axes, Line, Points

_SMALL = 0.01  # of the radius: as good as linear, and well above rounding


def run(context: StageContext, settings: MelboSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and figures of the stage."""
    prompts, how = prompts_of_set(settings.prompts, settings.count)
    common = {"prompts": prompts, "format": how, "vectors": settings.vectors}
    singular = context.find("singular", "power", **common)
    random = context.find("random-directions", "random", **common)
    layer_slice = LayerSlice.prepare(
        context.loaded, encode(context.loaded, prompts, how), *context.layers, 2, cancelled=context.cancelled
    )
    least = _SMALL * min(settings.radii) * singular.origin.residual_norm
    largest = float(_moved(context, layer_slice, least * singular.unit(0)[None])[0]) / least
    radii: list[dict[str, Any]] = []
    for relative in settings.radii:
        radius = relative * singular.origin.residual_norm
        melbo = context.find(f"melbo-{relative:g}", "melbo", **common, steps=settings.steps, radius=radius)
        sets = {"melbo": melbo, "singular": singular, "random": random}
        radii.append(
            {
                "relative": relative,
                "radius": radius,
                "cosines": cosines(melbo.vectors, singular.vectors).abs().amax(dim=1).tolist(),
                "random_cosines": cosines(random.vectors, singular.vectors).abs().amax(dim=1).tolist(),
                "angles": angles(melbo, singular),
                "random_angles": angles(random, singular),
                "gains": {name: _gains(context, layer_slice, one, radius, largest) for name, one in sets.items()},
            }
        )
    xs = list(settings.radii)
    names = {"melbo": "MELBO", "singular": "singular vectors", "random": "random directions"}
    figures = {
        "melbo-gain.svg": svg.lines(
            [
                Line(
                    f"{names[name]}, best of {settings.vectors}", xs,
                    [max(gain["over_first"] for gain in one["gains"][name]) for one in radii],
                    role="random" if name == "random" else "main",
                )
                for name in names
            ],
            Axes("radius in reference norms", "displacement over R·σ₁", low=0),
            "Displacement of the best vector over the linear prediction R·σ₁", 1.0,
        ),
        "melbo-cosines.svg": svg.points(
            [
                Points("MELBO", [x for x, one in zip(xs, radii, strict=True) for _ in one["cosines"]],
                       [value for one in radii for value in one["cosines"]]),
                Points("random", [x for x, one in zip(xs, radii, strict=True) for _ in one["random_cosines"]],
                       [value for one in radii for value in one["random_cosines"]], role="random"),
            ],
            Axes("radius in reference norms", "largest |cosine| with a singular vector", low=0, high=1),
            "How MELBO's vectors lie to the singular ones",
        ),
    }  # fmt: skip
    assert singular.singular_values is not None
    data = {
        "prompts": settings.prompts, "count": len(prompts), "layers": list(context.layers), "steps": settings.steps,
        "singular_values": singular.singular_values.tolist(), "largest": largest, "radii": radii,
    }  # fmt: skip
    return data, figures


def _gains(
    context: StageContext, layer_slice: LayerSlice, one: VectorSet, radius: float, largest: float
) -> list[dict[str, float]]:
    """Displacement at the radius over R·σ₁, and over the linear prediction of the vector itself, in its better sign."""
    units = one.vectors / one.vectors.norm(dim=1, keepdim=True)
    best = torch.stack([_moved(context, layer_slice, sign * radius * units) for sign in (1, -1)]).amax(dim=0)
    linear = _moved(context, layer_slice, _SMALL * radius * units) / _SMALL
    return [
        {"displacement": moved, "over_first": moved / (radius * largest), "over_own": moved / own if own else 0.0}
        for moved, own in zip(best.tolist(), linear.tolist(), strict=True)
    ]


def _moved(context: StageContext, layer_slice: LayerSlice, theta: Tensor) -> Tensor:
    return displacement(layer_slice, theta.float(), context.cancelled)
