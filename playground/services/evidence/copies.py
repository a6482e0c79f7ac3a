"""Stage 4: orthogonal directions that repeat the effect of a base (MELBO-ortho), in native norm and rescaled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.model.prompting import encode
from playground.services.evidence import svg
from playground.services.evidence.context import StageContext, prompts_of_set
from playground.services.evidence.request import CopiesSettings
from playground.services.evidence.statistics import median, proportion
from playground.services.evidence.svg import Axes, Line
from playground.services.scales import ScalesRequest, find_scales

HELD = 0.5
"""A direction holds the effect when its KL to the base is below this part of the unsteered model's."""
AVERAGED = (2, 3, 20)
SHOWN = 3
"""Copies whose texts are shown."""


def run(context: StageContext, settings: CopiesSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and figures of the stage."""
    blocks = context.loaded.block_count
    layers = (blocks // 3, max(2 * blocks // 3, blocks // 3 + 1))
    prompts, how = prompts_of_set(settings.prompts, 1, shortest=True)
    encoded = encode(context.loaded, prompts, how)
    recipe, base, tried = _base(context, settings, layers, prompts, how, encoded)
    ortho = context.find(
        "copies", "ortho", layers=layers, prompts=prompts, format=how, vectors=settings.copies, batch=settings.batch,
        steps=settings.steps, base=recipe, stop_share=0.0,
    )  # fmt: skip
    rows, norm, source = ortho.vectors, float(base.norm()), layers[0]
    rescaled = norm * rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
    randoms = random_directions(settings.randoms, context.loaded.width, context.seed)
    pushed = {
        "copies": rows,
        "rescaled": rescaled,
        "random": norm * randoms,
        # As large as the copies are: the effect of any push of that norm.
        "random_large": float(median(rows.norm(dim=1).tolist()) or 0.0) * randoms,
    }
    kl = {name: _in_parts(context, vectors, source, encoded, base) for name, vectors in pushed.items()}
    unsteered = float(context.kl(torch.zeros(1, len(base)), source, encoded, base)[0])
    means = {count: rows[:count].mean(dim=0) for count in AVERAGED if count <= len(rows)}
    averages = {f"first {count}": mean for count, mean in means.items()}
    averages |= {f"first {count}, at the base's norm": norm * mean / mean.norm() for count, mean in means.items()}
    shown = {"base": base} | averages
    for row in range(min(SHOWN, len(rows))):
        shown |= {f"copy {row}": rows[row], f"copy {row}, at the base's norm": rescaled[row]}
    shown["random, at the base's norm"] = norm * randoms[0]
    texts = context.texts(list(shown.values()), source, encoded, settings.tokens)
    averaged = context.kl(torch.stack(list(averages.values())), source, encoded, base).tolist() if averages else []
    numbers = [float(row) for row in range(len(rows))]
    figures = {
        "copies-kl.svg": svg.lines(
            [Line("copies, native norm", numbers, kl["copies"]),
             Line("at the base's norm", numbers, kl["rescaled"]),
             Line("random, at the base's norm", numbers[: len(randoms)], kl["random"], role="random")],
            Axes("number of the copy", "KL(copy ‖ base) / nats", low=0),
            "KL of every copy to the base; dashed the unsteered model", unsteered,
        ),
        "copies-norm.svg": svg.lines(
            [Line("copies", numbers, rows.norm(dim=1).tolist())],
            Axes("number of the copy", "norm", low=0), "Norms of the copies; dashed the base's", norm,
        ),
    }  # fmt: skip
    last = ortho.last_effects
    assert ortho.effects is not None
    data = {
        "prompt": prompts[0], "layers": list(layers), "steps": settings.steps, "base": recipe, "base_tried": tried,
        "base_norm": norm, "reference": ortho.origin.residual_norm, "tried": len(rows), "unsteered": unsteered,
        "norms": rows.norm(dim=1).tolist(), "effects": ortho.effects.tolist(),
        "last_effects": None if last is None else last.tolist(), "kl": kl,
        "held": {name: proportion(sum(one < HELD * unsteered for one in values), len(values))
                 for name, values in kl.items()},
        "below_unsteered": {name: proportion(sum(one < unsteered for one in values), len(values))
                            for name, values in kl.items()},
        "averages": dict(zip(averages, averaged, strict=True)),
        "texts": dict(zip(("unsteered", *shown), texts, strict=True)),
    }  # fmt: skip
    return data, figures


def _base(
    context: StageContext, settings: CopiesSettings, layers: tuple[int, int], prompts: Any, how: Any, encoded: Any
) -> tuple[str, Tensor, int]:
    """The singular vector and sign that changes the next token most at its found scale: recipe, vector, how many were
    tried. Where none has a window, the first one at 0.3 reference norms.
    """
    found = context.find(
        "candidates", "power", layers=layers, prompts=prompts, format=how, vectors=settings.candidates
    )
    found = find_scales(
        context.loaded, found, ScalesRequest(prompts=1, tokens=settings.tokens),
        lambda event: context.tell(f"found scales · {event.share:.0%}"), context.cancelled,
    )  # fmt: skip
    context.check()
    context.sets["candidates"] = replace(found, name="candidates")
    windows = [(row, sign, found.window(row, sign)) for row in range(found.rows) for sign in (1, -1)]
    able = [(row, sign * one.found) for row, sign, one in windows if one is not None and one.found is not None]
    if not able:
        able = [(0, 0.3 * found.origin.residual_norm)]
    vectors = torch.stack([amount * found.unit(row) for row, amount in able])
    best = int(context.kl(vectors, layers[0], encoded).argmax())
    row, amount = able[best]
    return f"candidates#{row}@{amount:.6g}", float(f"{amount:.6g}") * found.unit(row), len(able)


def _in_parts(context: StageContext, vectors: Tensor, layer: int, encoded: Any, base: Tensor) -> list[float]:
    values: list[float] = []
    for start in range(0, len(vectors), 16):
        values += context.kl(vectors[start : start + 16], layer, encoded, base).tolist()
    return values
