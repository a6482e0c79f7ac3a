"""Panel that searches the span of rows of nearly equal σ for the direction that does most, and keeps what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library import prompts as prompt_sets
from playground.library.rows import check_rows, read_rows
from playground.library.vector_set import VectorSet
from playground.limits import limits
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services.atlas.effects import usual_scale
from playground.services.band import BandProgress, BandRequest, BandResult, dealt, own_prompts, search_band
from playground.services.band.request import BUDGET, HELD_OUT, PROMPTS
from playground.services.command import band_command
from playground.services.estimates import expected, learn, work_of_band
from playground.services.set_prompts import format_of
from playground.ui.kit import markup
from playground.ui.kit.entered import real, whole
from playground.ui.kit.frame import Frame, acted, board
from playground.ui.kit.mix import MixRow
from playground.ui.kit.running import EVENT, UNCHECKED, follow, long, quick, waiting_line
from playground.ui.kit.visitor import Slice, Visitor
from playground.ui.library.band_result import progress_text, proposals, result_html, usual_rows
from playground.ui.widgets.prompt_source import set_names

TARGETS = {"KL of the next token": "kl", "a word": "word", "answers of a choice set": "choices"}
ABOUT = (
    "Rows whose σ are nearly equal span a subspace, and its best direction may lie between them. It is searched on "
    f"{PROMPTS} prompts and read on up to {HELD_OUT} others, beside the best of as many random directions of the span."
)
OWN = ("those it was found on", "")
PRIVATE: dict[str, Any] = {**EVENT, **UNCHECKED}
Updates = dict[Any, Any]


@dataclass
class BandState(Slice):
    """`shown` is the set and model that the panel is about, `filled` whether its page shows it already, `result` what
    was found in it, `kept` the name of that in the library, None until it is kept.
    """

    shown: tuple[str, int] = ("", 0)
    filled: bool = False
    result: BandResult | None = None
    kept: str | None = None

    def adopted(self) -> None:
        self.filled = False


@dataclass(frozen=True)
class BandPanel:
    """The components."""

    box: gr.Accordion
    proposals: gr.HTML
    rows: gr.Textbox
    scale: gr.Number
    budget: gr.Number
    target: gr.Radio
    word: gr.Textbox
    choices: gr.Dropdown
    prompts: gr.Dropdown
    find: gr.Button
    hint: gr.HTML
    notice: gr.HTML
    progress: gr.HTML
    result: gr.HTML
    after: gr.Row
    keep: gr.Button
    steer: gr.Button
    repeat: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        """The components whose values are those of BandForm, in its order."""
        return [self.rows, self.scale, self.budget, self.target, self.word, self.choices, self.prompts]

    @property
    def outputs(self) -> list[Any]:
        """The components that `shown` writes to."""
        return [
            self.proposals, self.rows, self.scale, self.choices, self.prompts, self.find, self.hint, self.notice,
            self.progress, self.result, self.after, self.repeat,
        ]  # fmt: skip

    def shown(self, frame: Frame, visitor: Visitor, vector_set: VectorSet, fits: bool) -> Updates:
        """Updates for a chosen set; nothing for the one that the panel is filled in for."""
        state, now = BandState.of(visitor), (vector_set.name, frame.workbench.generation)
        updates: Updates = {self.find: gr.update(interactive=fits)}
        if state.shown == now and state.filled:
            return updates
        if state.shown != now:
            state.shown, state.result, state.kept = now, None, None
            updates |= {part: "" for part in (self.hint, self.notice, self.progress, self.result, self.repeat)}
            updates[self.after] = gr.update(visible=False)
        state.filled = True
        loaded = frame.workbench.loaded
        choice_sets, prompt_names = _offered(loaded)
        return updates | {
            self.proposals: proposals(vector_set),
            self.rows: usual_rows(vector_set),
            self.scale: usual_scale(loaded),
            self.choices: gr.update(choices=choice_sets, value=next(iter(choice_sets), None)),
            self.prompts: gr.update(choices=[OWN, *((name, name) for name in prompt_names)], value=""),
        }


@dataclass(frozen=True)
class BandForm:
    """Values of the controls, in the order in which the page sends them."""

    rows: str
    scale: float
    budget: float
    target: str
    word: str
    choices: str | None
    prompts: str | None

    def request(self, vector_set: VectorSet) -> BandRequest:
        """Raises PlaygroundError for values that make none."""
        target = TARGETS.get(self.target)
        if target is None:
            raise InputError("Expected one of the targets, got another one; choose one of the list.")
        named = self.named
        if named is not None and named not in prompt_sets.built_in():
            raise InputError("Expected a prompt set of the list, got another one; choose one of it.")
        if target == "choices" and named is None:
            raise InputError("Expected a choice set, got none; choose one.")
        pool = own_prompts(vector_set) if named is None else prompt_sets.built_in()[named]
        search, held_out = dealt(pool, known=vector_set.origin.prompts)
        return BandRequest(
            source_set=vector_set,
            rows=check_rows(vector_set, read_rows(self.rows or "", vector_set)),
            target=target,
            search=search,
            held_out=held_out,
            word=(self.word or "") if target == "word" else None,
            scale=real(self.scale, "relative scale"),
            format=format_of(vector_set.origin) if named is None else PromptFormat.of_set(pool),
            budget=whole(self.budget, "directions tried"),
        )

    @property
    def named(self) -> str | None:
        """The prompt set that is chosen, None for the prompts of the vector set."""
        return (self.choices if TARGETS.get(self.target) == "choices" else self.prompts) or None


def _offered(loaded: LoadedModel | None) -> tuple[list[str], list[str]]:
    """Names of choice sets, and of sets of prompts, for a model."""
    sets, names = prompt_sets.built_in(), set_names(loaded)
    return [name for name in names if sets[name].kind == "choices"], [name for name in names if sets[name].one_sided]


def build(loaded: LoadedModel | None) -> BandPanel:
    """The components."""
    choice_sets, prompt_names = _offered(loaded)
    own = limits()
    title = "Search inside a band: the best direction between rows of nearly equal σ"
    with gr.Accordion(title, open=False, elem_id="library-band") as box:
        gr.HTML(f'<p class="sp-hint">{ABOUT}</p>')
        bands = board("", elem_id="library-band-proposals")
        with gr.Row(elem_classes="sp-tight"):
            rows = gr.Textbox(
                "", label="Rows", max_lines=1, elem_id="library-band-rows", min_width=110,
                info="a range as 3-7, or 3,5,6",
            )
            scale = gr.Number(
                usual_scale(loaded), label="Relative scale", elem_id="library-band-scale", minimum=0.001,
                maximum=own.effect_scale, min_width=110, info="how far it pushes",
            )
            budget = gr.Number(
                BUDGET, label="Directions", precision=0, elem_id="library-band-budget", minimum=8,
                maximum=own.evaluations, min_width=110, info="tried, and as many random",
            )
        target = gr.Radio(
            list(TARGETS), value=next(iter(TARGETS)), label="Target", elem_id="library-band-target",
            elem_classes="sp-inline", info="what the direction is to raise",
        )
        with gr.Row(elem_classes="sp-tight"):
            word = gr.Textbox(
                "", label="Word", max_lines=1, elem_id="library-band-word", visible=False, min_width=160,
                info="or a few, as the answer would begin", placeholder="class", max_length=own.answer_characters,
            )
            choices = gr.Dropdown(
                choice_sets, value=next(iter(choice_sets), None), label="Choice set", visible=False, min_width=160,
                elem_id="library-band-choices", info="its items are the prompts",
            )
            prompts = gr.Dropdown(
                [OWN, *((name, name) for name in prompt_names)], value="", label="Prompts", min_width=160,
                elem_id="library-band-prompts", info="and the rest of their set",
            )
        with gr.Row(elem_classes="sp-tight sp-saverow"):
            find = gr.Button("Find", elem_id="library-band-find", min_width=110, scale=0, interactive=False)
            hint = gr.HTML("", elem_id="library-band-hint", min_width=120)
        notice = gr.HTML("", elem_id="library-band-notice")
        progress = gr.HTML("", elem_id="library-band-progress", elem_classes="sp-quiet")
        result = gr.HTML("", elem_id="library-band-result")
        with gr.Row(elem_classes="sp-tight", visible=False) as after:
            keep = gr.Button("Keep as a set", elem_id="library-band-keep", size="sm", min_width=120, scale=0)
            steer = gr.Button(
                "Keep and open in Steer", elem_id="library-band-steer", size="sm", min_width=180, scale=0
            )
        repeat = gr.HTML("", elem_id="library-band-command")
    return BandPanel(
        box, bands, rows, scale, budget, target, word, choices, prompts, find, hint, notice, progress, result, after,
        keep, steer, repeat,
    )


def wire(frame: Frame, panel: BandPanel, chosen: Callable[[Visitor], VectorSet]) -> None:
    """Attach the event handlers. `chosen` gives the set that a visitor has chosen in the library."""
    written = [
        panel.box, panel.notice, panel.progress, panel.result, panel.after, panel.keep, panel.repeat, frame.status,
    ]

    @frame.keepable("library", "Search in a band", written)
    @long(lambda: panel.notice, lambda: {frame.status: frame.status_now()})
    def on_find(request: gr.Request, *values: Any) -> Iterator[Updates]:
        visitor, form = frame.visitor(request), BandForm(*values)
        yield from _search(frame, panel, visitor, form, form.request(chosen(visitor)))

    def on_cost(request: gr.Request, *values: Any) -> str:
        return _hint(frame, BandForm(*values), lambda: chosen(frame.visitor(request)))

    panel.find.click(on_find, panel.inputs, written, trigger_mode="once", **PRIVATE).then(
        on_cost, panel.inputs, panel.hint, **PRIVATE
    )
    costly: Sequence[Any] = (panel.rows, panel.budget, panel.target, panel.choices, panel.prompts)
    asked = [panel.box.expand, *(part.change for part in costly)]
    gr.on(asked, on_cost, panel.inputs, panel.hint, trigger_mode="always_last", **PRIVATE)

    def on_target(target: str) -> Updates:
        kind = TARGETS.get(target)
        return {
            panel.word: gr.update(visible=kind == "word"),
            panel.choices: gr.update(visible=kind == "choices"),
            panel.prompts: gr.update(visible=kind != "choices"),
        }

    panel.target.input(on_target, panel.target, [panel.word, panel.choices, panel.prompts], **PRIVATE)

    def on_band(event: gr.EventData) -> str:
        return acted(event).get("name", "")

    panel.proposals.act(on_band, None, panel.rows, **EVENT)

    @quick
    def on_keep(request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        state, store = BandState.of(visitor), frame.store(visitor)
        found = _found(state)
        if state.kept is None or state.kept not in store.names():
            name = store.free_name(found.vector_set.name)
            store.save(replace(found.vector_set, name=name), name)
            state.kept = name
        return {
            panel.keep: gr.update(value=f"Kept as {state.kept}", interactive=False),
            frame.library_seen: frame.library_token(visitor),
        }

    panel.keep.click(on_keep, None, [panel.keep, frame.library_seen], **EVENT)

    @quick
    def on_steer(request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        state = BandState.of(visitor)
        found, name = _found(state), state.kept
        if name is None:
            raise InputError("Expected what was found among the sets, got none; press “Keep as a set” first.")
        mix = [MixRow(name, "0", scale=found.request.scale)]
        return frame.open_in_steer(visitor, mix, prompt=found.prompt, format=found.request.format)

    panel.steer.click(on_keep, None, [panel.keep, frame.library_seen], **EVENT).then(
        on_steer, None, frame.steer_outputs, **EVENT
    )


def _found(state: BandState) -> BandResult:
    if state.result is None:
        raise InputError("Expected something found, got nothing yet; press Find first.")
    return state.result


def _search(
    frame: Frame, panel: BandPanel, visitor: Visitor, form: BandForm, request: BandRequest
) -> Iterator[Updates]:
    """Run a search; yields updates. Raises PlaygroundError, and Cancelled after a Stop before there was anything."""
    state, loaded = BandState.of(visitor), frame.loaded
    job = frame.start(
        visitor, "searching a band",
        lambda model, context: search_band(model, request, context.emit, context.cancelled),
    )
    shown = state.shown
    state.result, state.kept = None, None
    yield {
        panel.box: gr.update(open=True), panel.result: "", panel.repeat: "", panel.progress: "",
        panel.after: gr.update(visible=False),
        frame.status: frame.status_now(visitor),
    }  # fmt: skip
    for batch in follow(job, 0.2):
        if state.shown != shown:
            return  # another set is shown; leaving the events ends the job
        updates: Updates = {frame.status: frame.status_now(visitor)}
        if line := waiting_line(batch):
            updates[panel.progress] = markup.run_line(line)
        if progress := [event for event in batch if isinstance(event, BandProgress)]:
            updates[panel.progress] = markup.run_line(progress_text(progress[-1]))
        yield updates
    found = job.result()
    if state.shown != shown:
        return
    learn(loaded, work_of_band(loaded, request), found.seconds, found.evaluations / request.budget)
    state.result = found
    yield {
        panel.progress: "",
        panel.result: result_html(found),
        panel.after: gr.update(visible=True),
        panel.keep: gr.update(value="Keep as a set", interactive=True),
        panel.repeat: markup.command(
            band_command(request, loaded, form.named, f"{request.source_set.name}-band.safetensors")
        ),
    }


def _hint(frame: Frame, form: BandForm, chosen: Callable[[], VectorSet]) -> str:
    """A line on the size of the search and its estimated time; nothing while the form is not complete."""
    try:
        request = form.request(chosen())
        took = expected(frame.loaded, work_of_band(frame.loaded, request))
    except PlaygroundError:
        return ""
    size = f"{len(request.rows)} rows, {request.budget} directions × {len(request.search.items)} prompts"
    return markup.estimate(size, took)
