"""Stage 1: effect of each method's vectors on choices, by logit difference and by generated replies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredRow, MeasureResult
from playground.analyses.choices.run import measure
from playground.analyses.choices.summary import paired_change
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.table import RANDOM, set_table
from playground.analyses.replies.run import RepliesRequest, RepliesResult, replies
from playground.library import prompts as prompt_sets
from playground.library.prompt_set import PromptSet
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.evidence import measured
from playground.services.evidence.context import StageContext, balanced
from playground.services.evidence.request import ChoicesSettings

ONE, SEVERAL, MELBO, DIFFERENCE = "power-one-prompt", "power-several-prompts", "melbo-several", "mean-difference"
EXPONENTIAL, QUADRATIC = "dct-exponential", "dct-quadratic"
SEARCHED = (ONE, SEVERAL, MELBO, EXPONENTIAL, QUADRATIC)
"""Sets found without answers."""
SETS = (*SEARCHED, DIFFERENCE)


def run(context: StageContext, settings: ChoicesSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """Data and figures of the stage. Directions are found on some items and measured on the others."""
    prompt_set = prompt_sets.read(settings.prompts)
    items = balanced(prompt_set, settings.found_on + settings.asked, context.seed)
    found_on, asked = items[: settings.found_on], replace(prompt_set, items=items[settings.found_on :])
    _find(context, settings, prompt_set, tuple(found_on))
    reference = context.sets[SEVERAL].origin.residual_norm
    logits = _measured(context, settings, asked, reference)
    table = set_table([logits])
    best = [line.name for line in table.lines if line.method != RANDOM]
    replied = _replied(context, settings, asked, reference, best)
    strongest = max(table.scales)
    figures = {
        "choices-scales.svg": measured.best_of_sets([logits], "Mean logit difference over scales, by set"),
        "choices-items.svg": measured.items_of_sets([logits], strongest, "Items at the largest scale, by set"),
        "choices-items-negative.svg": measured.items_of_sets([logits], -strongest, "Items at its negative, by set"),
        "choices-replies.svg": measured.best_of_sets([replied], "Share of replies that give the answer, by set"),
    }
    data = {
        "set": prompt_set.name,
        "layers": list(context.layers),
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
        "replies": _replies(replied, reference),
    }  # fmt: skip
    return data, figures


def _find(context: StageContext, settings: ChoicesSettings, prompt_set: PromptSet, items: tuple[Any, ...]) -> None:
    how = PromptFormat.of_set(prompt_set)
    questions = tuple(item.question for item in items)
    several = {"prompts": questions, "format": how, "vectors": settings.vectors}
    context.find(ONE, "power", **several | {"prompts": questions[:1]})
    context.find(SEVERAL, "power", **several)
    context.find(MELBO, "melbo", **several, steps=settings.melbo_steps, relative_radius=max(settings.scales))
    context.find(EXPONENTIAL, "dct", **several, form="exponential", steps=settings.dct_steps)
    context.find(QUADRATIC, "dct", **several, form="quadratic", steps=settings.dct_steps)
    answers = tuple((item.matching, item.other) for item in items)
    context.find(DIFFERENCE, "difference", prompts=questions, format=how, answers=answers)


def _measured(context: StageContext, settings: ChoicesSettings, asked: PromptSet, reference: float) -> MeasureResult:
    vectors = [MeasuredVector(name, row) for name in SETS for row in range(context.sets[name].rows)]
    request = MeasureRequest(
        choices=asked, vectors=tuple(vectors), scales=tuple(scale * reference for scale in settings.scales),
        controls=settings.vectors, seed=context.seed, format=PromptFormat.of_set(asked),
    )  # fmt: skip
    done = measure(
        context.loaded, request, context.load_set,
        lambda event: context.tell(f"choices · {event.done / event.total:.0%}"), context.cancelled,
    )  # fmt: skip
    context.check()
    return done


def _replied(
    context: StageContext, settings: ChoicesSettings, asked: PromptSet, reference: float, names: list[str]
) -> RepliesResult:
    vectors = []
    for name in names:
        source, _, row = name.rpartition("#")
        vectors.append(MeasuredVector(source, int(row)))
    request = RepliesRequest(
        prompts=replace(asked, items=asked.items[: settings.replied]), vectors=tuple(vectors),
        scales=tuple(scale * reference for scale in settings.reply_scales), controls=min(2, settings.vectors),
        seed=context.seed, format=PromptFormat.of_set(asked), sampling=Sampling(max_new_tokens=settings.tokens),
    )  # fmt: skip
    done = replies(
        context.loaded, request, context.load_set, lambda event: context.tell(f"replies · {event.share:.0%}"),
        context.cancelled,
    )  # fmt: skip
    context.check()
    return done


def _row(row: MeasuredRow, result: MeasureResult, reference: float) -> dict[str, Any]:
    """`change` is the mean change of an item's difference, with a paired bootstrap interval."""
    change, low, high = paired_change(result, row)
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
