"""Stage 1: what each method's vectors do to choices, by the logit difference and by what is replied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.choices.run import measure
from playground.analyses.choices.summary import Balance
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.table import RANDOM, set_table
from playground.analyses.replies.run import RepliesRequest, RepliesResult, replies
from playground.library import prompts as prompt_sets
from playground.library.prompt_set import PromptSet
from playground.model.generation.generate import Sampling
from playground.services.evidence import measured
from playground.services.evidence.ground import Ground, balanced, format_of
from playground.services.evidence.request import ChoicesSettings

ONE, SEVERAL, MELBO, DIFFERENCE = "power-one-prompt", "power-several-prompts", "melbo-several", "mean-difference"
SETS = (ONE, SEVERAL, MELBO, DIFFERENCE)


def run(ground: Ground, settings: ChoicesSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Numbers and figures. Directions are found on some items and judged on the others."""
    prompt_set = prompt_sets.read(settings.prompts)
    items = balanced(prompt_set, settings.found_on + settings.asked, ground.seed)
    found_on, asked = items[: settings.found_on], replace(prompt_set, items=items[settings.found_on :])
    _find(ground, settings, prompt_set, tuple(found_on))
    reference = ground.sets[SEVERAL].origin.residual_norm
    logits = _measured(ground, settings, asked, reference)
    table = set_table([logits])
    said = _replied(ground, settings, asked, reference, [line.name for line in table.lines if line.method != RANDOM])
    strongest = max(table.scales)
    figures = {
        "choices-scales.svg": measured.best_of_sets([logits], "Mean logit difference over scales, by set"),
        "choices-items.svg": measured.items_of_sets([logits], strongest, "Items at the largest scale, by set"),
        "choices-items-negative.svg": measured.items_of_sets([logits], -strongest, "Items at its negative, by set"),
        "choices-replies.svg": measured.best_of_sets([said], "Share of replies that give the answer, by set"),
    }
    data = {
        "set": prompt_set.name,
        "layers": list(ground.layers),
        "reference": reference,
        "found_on": len(found_on),
        "asked": len(logits.items),
        "skipped": len(logits.skipped),
        "baseline": {"mean": logits.baseline.mean, "low": logits.baseline.low, "high": logits.baseline.high,
                     "share": logits.baseline.share},
        "best": [
            {
                "set": "random" if line.method == RANDOM else line.set,
                "name": line.name,
                "tried": line.tried,
                "rows": [_row(row, logits, reference) for row in line.rows if isinstance(row, MeasuredRow)],
            }
            for line in table.lines
        ],
        "replies": _replies(said, reference),
    }  # fmt: skip
    return data, figures


def _find(ground: Ground, settings: ChoicesSettings, prompt_set: PromptSet, items: tuple[Any, ...]) -> None:
    how = format_of(prompt_set)
    questions = tuple(item.question for item in items)
    several = {"prompts": questions, "format": how, "vectors": settings.vectors}
    ground.find(ONE, "power", **several | {"prompts": questions[:1]})
    ground.find(SEVERAL, "power", **several)
    ground.find(MELBO, "melbo", **several, steps=settings.melbo_steps, relative_radius=max(settings.scales))
    answers = tuple((item.matching, item.other) for item in items)
    ground.find(DIFFERENCE, "difference", prompts=questions, format=how, answers=answers)


def _measured(ground: Ground, settings: ChoicesSettings, asked: PromptSet, reference: float) -> MeasureResult:
    vectors = [MeasuredVector(name, row) for name in SETS for row in range(ground.sets[name].rows)]
    request = MeasureRequest(
        choices=asked, vectors=tuple(vectors), scales=tuple(scale * reference for scale in settings.scales),
        controls=settings.vectors, seed=ground.seed, format=format_of(asked),
    )  # fmt: skip
    done = measure(
        ground.loaded, request, ground.load_set,
        lambda event: ground.tell(f"choices · {event.done / event.total:.0%}"), ground.cancelled,
    )  # fmt: skip
    ground.check()
    return done


def _replied(
    ground: Ground, settings: ChoicesSettings, asked: PromptSet, reference: float, names: list[str]
) -> RepliesResult:
    vectors = []
    for name in names:
        source, _, row = name.rpartition("#")
        vectors.append(MeasuredVector(source, int(row)))
    request = RepliesRequest(
        prompts=replace(asked, items=asked.items[: settings.replied]), vectors=tuple(vectors),
        scales=tuple(scale * reference for scale in settings.reply_scales), controls=min(2, settings.vectors),
        seed=ground.seed, format=format_of(asked), sampling=Sampling(max_new_tokens=settings.tokens),
    )  # fmt: skip
    done = replies(
        ground.loaded, request, ground.load_set, lambda event: ground.tell(f"replies · {event.share:.0%}"),
        ground.cancelled,
    )  # fmt: skip
    ground.check()
    return done


def _row(row: MeasuredRow, result: MeasureResult, reference: float) -> dict[str, Any]:
    """`change` is the mean change of an item's difference, with a paired bootstrap interval."""
    balance = Balance([item.letter for item in result.items], result.request.seed)
    changed = torch.tensor(row.differences) - torch.tensor(result.baseline.differences)
    change, low, high = balance.mean(changed)
    return {
        "scale": row.scale, "relative": row.scale / reference, "mean": row.mean, "low": row.low, "high": row.high,
        "share": row.share, "kl": row.kl, "change": change, "change_low": low, "change_high": high,
    }  # fmt: skip


def _replies(result: RepliesResult, reference: float) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "relative": row.scale / reference,
            "shares": {
                group: {"share": share.share, "low": share.low, "high": share.high}
                for group, share in zip(result.request.groups, row.shares, strict=True)
            },
            "first": row.texts[0],
        }
        for row in (result.baseline, *result.rows)
    ]
