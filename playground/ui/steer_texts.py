"""Baseline and steered text side by side, streamed from one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from playground.services import command as commands
from playground.services.generate import GenerateProgress, GenerateRequest, generate
from playground.ui import markup, mixer
from playground.ui.entered import whole
from playground.ui.frame import NOT_SAVED, Frame
from playground.ui.running import follow, queue_sentence, seconds, waiting_position
from playground.ui.state import Visitor
from playground.ui.steer_form import SteerForm
from playground.ui.steer_layout import SteerTab


def generate_texts(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    loaded, load = frame.loaded, frame.load_set(visitor)
    recipe = mixer.recipe_of(form.mix, load)
    samples = whole(form.samples, "samples")
    request = GenerateRequest(
        prompts=(form.prompt or "",),
        format=form.format,
        recipes=(recipe,),
        positions=form.positions,
        sampling=form.sampling,
        samples=samples,
        baseline=True,
    )
    job = frame.start(
        visitor, "generating", lambda model, context: generate(model, request, load, context.emit, context.cancelled)
    )
    yield {tab.repeat: ""}
    for batch in follow(job):
        progress = [event for event in batch if isinstance(event, GenerateProgress)]
        position = waiting_position(batch)
        if progress:
            latest = progress[-1]
            detail = f"token {latest.step} of {latest.steps}"
            yield {**_panes(tab, latest.texts, detail, streaming=True), frame.status: frame.status_now()}
        elif position is not None:
            yield {frame.status: frame.status_now(), tab.notice: markup.notice(queue_sentence(position), "info")}
        else:
            yield {frame.status: frame.status_now()}
    result = job.result()
    norm = result.rows[-1].norm
    detail = f"{result.tokens_per_second:.0f} tokens/s · {seconds(result.seconds)}"
    if norm:
        detail = f"norm {norm:.3g} · {detail}"
    if any(part.source == NOT_SAVED for part in recipe.components):
        repeat = markup.notice("Save the set in Discover to get the command that repeats this.", "info")
    else:
        repeated = request if recipe.components else replace(request, recipes=())
        repeat = markup.command(commands.generate_command(repeated, loaded))
    said = " ".join(result.warnings)
    remark = markup.notice(said, "warning") if said else ""
    if result.cancelled:
        remark = markup.notice("Stopped; what was written so far stays.", "info")
    elif not recipe.components:
        remark = markup.notice("Nothing is added: every slider is at 0 or muted, so both sides say the same.", "info")
    texts = [row.text for row in result.rows]
    yield {**_panes(tab, texts, detail, streaming=False), tab.repeat: repeat, tab.notice: remark}


def _panes(tab: SteerTab, texts: Sequence[str], detail: str, streaming: bool) -> dict[Any, Any]:
    """Both panes; the first half of `texts` is the baseline."""
    half = len(texts) // 2
    return {
        tab.baseline: markup.pane("baseline", texts[:half], streaming=streaming),
        tab.steered: markup.pane("steered", texts[half:], texts[:half], detail=detail, streaming=streaming),
    }
