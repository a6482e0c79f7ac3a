"""Stage 2: the Jacobian at a steered point and started from there, by singular values and principal angles."""

from __future__ import annotations

from typing import Any

from playground.library import prompts as prompt_sets
from playground.library.prompt_set import ContrastPair
from playground.model.prompting import PromptFormat
from playground.services.evidence import svg
from playground.services.evidence.context import StageContext, angles, prompts_of_set
from playground.services.evidence.request import SteeredSettings
from playground.services.evidence.svg import Axes, Line

NAMES = {
    "unsteered": "unsteered",
    "steered": "at the mean difference",
    "started": "started from it",
    "pushed": "at a random push of equal norm",
    "one": "unsteered, first prompt alone",
    "random": "random directions",
}
"""Names of the spectra and spans in figures."""


def run(context: StageContext, settings: SteeredSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and figures of the stage."""
    prompts, how = prompts_of_set(settings.prompts, settings.count)
    contrast = prompt_sets.read(settings.contrast)
    pairs = [item for item in contrast.items if isinstance(item, ContrastPair)][: settings.pairs]
    difference = context.find(
        "contrast", "difference", format=PromptFormat.of_set(contrast),
        prompts=tuple(pair.positive for pair in pairs), against=tuple(pair.negative for pair in pairs),
    )  # fmt: skip
    norm = settings.push * difference.origin.residual_norm
    common = {"prompts": prompts, "format": how, "vectors": settings.vectors}
    found = {"unsteered": context.find("unsteered", "power", **common)}
    found["random"] = context.find("random-directions", "random", **common)
    found["steered"] = context.find("steered", "power", **common, theta0=f"contrast#0@{norm}")
    found["started"] = context.find("started", "power", **common, start="contrast#0")
    found["pushed"] = context.find("pushed", "power", **common, theta0=f"random-directions#0@{norm}")
    found["one"] = context.find("one", "power", **common | {"prompts": prompts[:1]})
    spectra = {key: one.singular_values.tolist() for key, one in found.items() if one.singular_values is not None}
    spans = {key: angles(found["unsteered"], one) for key, one in found.items() if key != "unsteered"}
    numbers = [float(number + 1) for number in range(settings.vectors)]
    figures = {
        "steered-angles.svg": svg.lines(
            [
                Line(NAMES[key], numbers[: len(values)], values, role="random" if key == "random" else "main")
                for key, values in spans.items()
            ],
            Axes("principal angle, number", "degrees to the unsteered span", low=0, high=90),
            "Principal angles to the span of the unsteered singular vectors",
        ),
        "steered-values.svg": svg.lines(
            [Line(NAMES[key], numbers[: len(values)], values) for key, values in spectra.items()],
            Axes("singular value, number", "σ", low=0),
            "Singular values without and with a push",
        ),
    }
    data = {
        "prompts": settings.prompts, "count": len(prompts), "contrast": settings.contrast, "pairs": len(pairs),
        "layers": list(context.layers), "norm": norm,
        "native_norm": float(difference.native_norms[0]), "reference": difference.origin.residual_norm,
        "spectra": spectra, "angles": spans,
        "converged": {key: one.origin.converged for key, one in found.items() if key in spectra},
    }  # fmt: skip
    return data, figures
