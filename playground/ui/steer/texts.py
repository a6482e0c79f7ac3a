"""Text generation in Steer: baseline, steered and optional panes, streamed from one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from playground.errors import Cancelled, InputError
from playground.library.recipe import Recipe
from playground.model.load import LoadedModel
from playground.services import command as commands
from playground.services.generate import GenerateProgress, GenerateRequest, GenerateResult, generate
from playground.services.jobs import JobContext
from playground.services.token_kl import TokenKl, token_kl
from playground.ui.kit import markup
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.mix import recipe_of
from playground.ui.kit.pick import Load
from playground.ui.kit.running import follow, seconds, waiting_line
from playground.ui.kit.visitor import Visitor
from playground.ui.steer import panes
from playground.ui.steer.form import SteerForm
from playground.ui.steer.layout import SteerTab
from playground.ui.steer.panes import Pane
from playground.ui.steer.state import SteerState, Written

SIDES = ("baseline", "steered")


def request_of(form: SteerForm, load: Load) -> tuple[GenerateRequest, tuple[str, ...]]:
    """The request, and the panes of its rows. An empty mix asks for the baseline alone, which all panes show then.

    Raises PlaygroundError.
    """
    recipe = recipe_of(form.mix, load)
    recipes: tuple[Recipe, ...] = ()
    kinds: tuple[str, ...] = ("baseline",)
    if recipe.components:
        recipes = (recipe, recipe.negated()) if "negative" in form.beside else (recipe,)
        kinds = (*SIDES, *form.beside)
    request = GenerateRequest(
        prompts=(form.prompt or "",),
        format=form.format,
        recipes=recipes,
        positions=form.positions,
        sampling=form.sampling,
        samples=whole(form.samples, "samples"),
        controls=int("random" in kinds),
    )
    return request, kinds


def generate_texts(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    """Generate the texts of the form; yields updates of panes, command, notice and status. Raises PlaygroundError."""
    state = SteerState.of(visitor)
    loaded, load = frame.loaded, frame.load_set(visitor)
    request, kinds = request_of(form, load)
    shown = (*SIDES, *form.beside)

    def work(model: LoadedModel, context: JobContext) -> tuple[GenerateResult, tuple[tuple[TokenKl, ...], ...] | None]:
        result = generate(model, request, load, context.emit, context.cancelled)
        if not form.colour or result.cancelled:
            return result, None
        try:
            return result, token_kl(model, request, result, load, context.cancelled)
        except Cancelled:  # the texts are there
            return result, None

    job = frame.start(visitor, "generating", work)
    yield {tab.repeat: ""}
    for batch in follow(job):
        progress = [event for event in batch if isinstance(event, GenerateProgress)]
        waiting = waiting_line(batch)
        if progress:
            latest = progress[-1]
            detail = f"token {latest.step} of {latest.steps}"
            texts = _by_pane(latest.texts, kinds, shown)
            written = [Pane(kind, texts[kind], detail if kind == SIDES[1] else "") for kind in shown]
            yield {tab.panes: panes.grid(written, streaming=True), frame.status: frame.status_now(visitor)}
        elif waiting is not None:
            yield {frame.status: frame.status_now(visitor), tab.notice: markup.notice(waiting, "info")}
        else:
            yield {frame.status: frame.status_now(visitor)}
    result, kl = job.result()
    detail = f"{result.tokens_per_second:.0f} tokens/s · {seconds(result.seconds)}"
    state.written, state.beside = Written(request, result, kinds, detail, kl), form.beside
    state.written_with = form.mix
    if any(part.source == NOT_SAVED for recipe in request.recipes for part in recipe.components):
        repeat = markup.notice("Save the set in Discover to get the command that repeats this.", "info")
    else:
        repeat = markup.command(commands.generate_command(request, loaded))
    warnings = " ".join(result.warnings)
    remark = markup.notice(warnings, "warning") if warnings else ""
    if result.cancelled:
        remark = markup.notice("Stopped; what was written so far stays.", "info")
    elif not request.recipes:
        remark = markup.notice("Nothing is added: every slider is at 0 or muted, so all sides say the same.", "info")
    yield {tab.panes: written_panes(visitor, form.colour), tab.repeat: repeat, tab.notice: remark}


def written_panes(visitor: Visitor, colour: bool) -> str:
    """The panes as HTML; one that was not chosen when the texts were generated is empty."""
    state = SteerState.of(visitor)
    shown, written = (*SIDES, *state.beside), state.written
    if written is None:
        return panes.waiting(shown)
    texts = _by_pane([row.text for row in written.result.rows], written.kinds, shown)
    made = []
    for kind in shown:
        rows, detail = written.of(kind), ""
        kl: tuple[tuple[TokenKl, ...], ...] = ()
        if rows is not None and kind != SIDES[0]:
            detail = f"norm {written.result.rows[rows][0].norm:.3g}"
            kl = written.kl[rows] if colour and written.kl is not None else ()
        if kind == SIDES[1]:
            detail = " · ".join(part for part in (detail, written.detail) if part)
        made.append(Pane(kind, texts[kind], detail, kl))
    return panes.grid(made, turns=written.request.format.chat)


def colour_texts(frame: Frame, tab: SteerTab, visitor: Visitor, form: SteerForm) -> Iterator[dict[Any, Any]]:
    """Show the texts with or without colours; yields updates. The KL of each token is computed on first use."""
    written, load = SteerState.of(visitor).written, frame.load_set(visitor)
    if form.colour and written is not None and written.kl is None:
        request, result = written.request, written.result
        job = frame.start(
            visitor,
            "comparing token by token",
            lambda model, context: token_kl(model, request, result, load, context.cancelled),
        )
        for _ in follow(job):
            yield {frame.status: frame.status_now(visitor)}
        written.kl = job.result()
    yield {tab.panes: written_panes(visitor, form.colour)}


def answer_of(visitor: Visitor, data: dict[str, str]) -> tuple[GenerateRequest, str]:
    """The request and the text of a “continue chat from this” button, from the data of its event. Raises InputError for
    a text that is not there any more.
    """
    written, texts = SteerState.of(visitor).written, []
    if written is not None:
        kind = data.get("pane", "")
        if kind not in written.kinds and len(written.kinds) == 1:  # without a mix there is one text for all panes
            kind = written.kinds[0]
        rows = written.of(kind)
        texts = [] if rows is None else [row.text for row in written.result.rows[rows]]
    sample = whole(data.get("sample"), "sample", least=0)
    if written is None or sample >= len(texts):
        raise InputError(f"Expected one of {len(texts)} answers, got number {sample + 1}; press Generate first.")
    return written.request, texts[sample]


def _by_pane(texts: Sequence[str], kinds: Sequence[str], shown: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The texts of each pane that is shown, from those of all rows; without a mix those of the baseline in each."""
    count = len(texts) // len(kinds)
    found = {kind: tuple(texts[index * count : (index + 1) * count]) for index, kind in enumerate(kinds)}
    missing = found[SIDES[0]] if len(kinds) == 1 else ()
    return {kind: found.get(kind, missing) for kind in shown}
