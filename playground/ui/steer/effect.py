"""Panels with the effect of the mix on next-token probabilities and logit difference."""

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
    """Updates of both panels; an error is shown in their place.

    The job stops once `outdated` is true, so that after a move of a slider at most one job is ahead of the new one.
    """
    answers = (form.first_answer or "", form.second_answer or "")
    wanted = answers if all(answer.strip() for answer in answers) else None
    hint = "Type two answers to compare, such as yes and no." if wanted is None else ""
    try:
        try:
            yield from _read_effect(frame, tab, visitor, form, outdated, wanted, hint)
        except InputError as error:
            if wanted is None:
                raise
            # The answers may be what is wrong; without them the next tokens can still be shown.
            yield from _read_effect(frame, tab, visitor, form, outdated, None, sentence(error))
    except Exception as error:  # the error edge of these panels, as `long` is that of others: `sentence` logs bugs
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
    hint: str,
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
                yield _effect_updates(tab, event, answers, hint)
    yield _effect_updates(tab, job.result(), answers, hint)


def _effect_updates(tab: SteerTab, result: Effect, answers: tuple[str, str] | None, hint: str) -> dict[Any, Any]:
    """The panels for a result; without answers `hint` stands where the logit difference would be."""
    shifts = [(shift.token_text, shift.before, shift.after) for shift in result.top]
    updates: dict[Any, Any] = {tab.shifts: markup.token_shifts(shifts, result.kl)}
    if answers is None or result.difference is None or result.baseline_difference is None:
        return updates | {
            tab.curve: plots.waiting("Two answers to compare are missing."),
            tab.curve_note: markup.notice(hint, "warning"),
        }
    header = ["multiple", "mix", *(f"random {index}" for index in range(len(result.controls)))]
    columns = [result.multipliers, result.curve, *result.controls]
    numbers = markup.numbers_link(
        "logit-difference", header, [[f"{value:.6g}" for value in row] for row in zip(*columns, strict=True)]
    )
    change = result.difference - result.baseline_difference
    text = (
        f"{result.difference:+.2f} here, {result.baseline_difference:+.2f} without the mix (change {change:+.2f})"
    ).replace("-", "−")
    note = f"<span>{markup.escape_sentence(text)}: {markup.escape_sentence(result.note)}</span>"
    return updates | {
        tab.curve: difference_curve(
            result.multipliers, result.curve, result.controls, result.baseline_difference, result.difference, answers
        ),
        tab.curve_note: f'<div class="sp-under-plot">{note}{numbers}</div>',
    }
