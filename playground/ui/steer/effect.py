"""Next-token and logit-difference panels of the mix; they follow the sliders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from playground.errors import Cancelled, InputError
from playground.services.effect import Effect, EffectRequest, effect
from playground.ui.kit import defaults, markup, plots
from playground.ui.kit.frame import Frame
from playground.ui.kit.mix import recipe_of
from playground.ui.kit.running import follow, sentence
from playground.ui.kit.visitor import Visitor
from playground.ui.steer.form import SteerForm
from playground.ui.steer.layout import WAIT_CURVE, SteerTab
from playground.ui.steer.plots import difference_curve


def show_effect(
    frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm, outdated: Callable[[], bool]
) -> Iterator[dict[Any, Any]]:
    """Next tokens and logit difference; what stands in the way is said where the numbers would be.

    Once `outdated` is true the reading stops, so that whoever moves a slider waits for one reading and no more.
    """
    answers = (form.first_answer or "", form.second_answer or "")
    wanted = answers if all(answer.strip() for answer in answers) else None
    said = "Type two answers to compare, such as yes and no." if wanted is None else ""
    try:
        try:
            yield from _read_effect(frame, tab, visitor, form, outdated, wanted, said)
        except InputError as error:
            # When it was the answers, the next tokens can still be shown.
            if wanted is None:
                raise
            yield from _read_effect(frame, tab, visitor, form, outdated, None, sentence(error))
    except Exception as error:
        if isinstance(error, Cancelled) and outdated():
            return
        yield {
            tab.shifts: markup.notice(sentence(error), "warning"),
            tab.curve: plots.waiting(WAIT_CURVE),
            tab.curve_note: "",
        }


def _read_effect(
    frame: Frame,
    tab: SteerTab,
    visitor: Visitor,
    form: SteerForm,
    outdated: Callable[[], bool],
    answers: tuple[str, str] | None,
    said: str,
) -> Iterator[dict[Any, Any]]:
    load = frame.load_set(visitor)
    request = EffectRequest(
        prompt=form.prompt or "",
        format=form.format,
        recipe=recipe_of(form.mix, load),
        positions=form.positions,
        answers=answers,
        multipliers=defaults.MULTIPLIERS,
        controls=defaults.CONTROLS,
    )
    job = frame.start(
        visitor,
        "reading the effect",
        lambda model, context: effect(
            model, request, load, context.emit, lambda: outdated() or context.cancelled()
        ),
    )
    for batch in follow(job, every=0.0):
        for event in batch:
            if isinstance(event, Effect):
                yield _effect_updates(tab, event, answers, said)
    yield _effect_updates(tab, job.result(), answers, said)


def _effect_updates(tab: SteerTab, result: Effect, answers: tuple[str, str] | None, said: str) -> dict[Any, Any]:
    shifts = [(shift.token_text, shift.before, shift.after) for shift in result.top]
    updates: dict[Any, Any] = {tab.shifts: markup.token_shifts(shifts, result.kl)}
    if answers is None or result.difference is None or result.baseline_difference is None:
        return updates | {
            tab.curve: plots.waiting("Two answers to compare are missing."),
            tab.curve_note: markup.notice(said, "warning"),
        }
    header = ["multiple", "mix", *(f"random {index}" for index in range(len(result.controls)))]
    columns = [result.multipliers, result.curve, *result.controls]
    numbers = markup.numbers_link(
        "logit-difference", header, [[f"{value:.6g}" for value in row] for row in zip(*columns, strict=True)]
    )
    change = result.difference - result.baseline_difference
    told = (
        f"{result.difference:+.2f} here, {result.baseline_difference:+.2f} without the mix (change {change:+.2f})"
    ).replace("-", "−")
    note = f"<span>{markup.escape(told)}: {markup.escape(result.note)}</span>"
    return updates | {
        tab.curve: difference_curve(
            result.multipliers, result.curve, result.controls, result.baseline_difference, result.difference, answers
        ),
        tab.curve_note: f'<div class="sp-under-plot">{note}{numbers}</div>',
    }
