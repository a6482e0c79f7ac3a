"""Event handlers of the Measure tab's form, and its updates after another model or library change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from playground.analyses.analysis import Analysis
from playground.analyses.registry import analyses, labelled
from playground.errors import PlaygroundError
from playground.library.vector_set import VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.frame import NOT_SAVED, Frame
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.measure import current, estimate, item, keep, layout, transfer
from playground.ui.measure.components import MeasureTab, applies
from playground.ui.measure.form import PLACE, MeasureForm, suggested_scales
from playground.ui.measure.layout import sets_for, usual_set, vector_choices
from playground.ui.measure.run import run
from playground.ui.measure.state import MeasureState
from playground.ui.widgets import prompt_source
from playground.ui.widgets.prompt_source import BUILT_IN, PromptChoice, Uploads

PRIVATE: dict[str, Any] = {**EVENT, **UNCHECKED}


def wire(frame: Frame, tab: MeasureTab) -> None:
    _wire_run(frame, tab)
    _wire_form(frame, tab)
    _wire_prompts(frame, tab)
    item.wire(frame, tab)
    keep.wire(frame, tab)
    transfer.wire(frame, tab.transfer, tab.inputs)


def model_updates(frame: Frame, tab: MeasureTab, visitor: Visitor) -> dict[Any, Any]:
    """Defaults for the loaded model; what was measured on another one is cleared away."""
    state = MeasureState.of(visitor)
    state.result = state.before = None
    opening = defaults.opening(frame.workbench.loaded, frame.store(visitor))
    names = frame.set_choices(visitor)
    rows = [] if opening.set_name is None else vector_choices(frame.load_set(visitor)(opening.set_name))
    first = next(iter(analyses().values()))
    return {
        **tab.cleared(first),
        tab.kind: first.label,
        **_kind_updates(frame, tab, visitor, first),
        tab.sets: gr.update(choices=names, value=[opening.set_name] if opening.set_name else []),
        tab.rows: "all",
        tab.one_set: gr.update(choices=names, value=opening.set_name),
        tab.one_row: gr.update(choices=rows, value=str(opening.row) if rows else None),
        tab.hint: "",
        tab.notice: "",
        **transfer.model_updates(frame, tab.transfer),
        **keep.listed(frame, tab, visitor),
    }


def library_inputs(tab: MeasureTab) -> list[Any]:
    """The components whose values `library_updates` takes."""
    return [tab.sets, tab.kind, tab.one_set, tab.scales, tab.unit]


def library_updates(frame: Frame, tab: MeasureTab, visitor: Visitor, values: Sequence[Any]) -> dict[Any, Any]:
    """New choices in the pickers after a library change, and new names of vectors; what is chosen stays. Where no set
    was chosen the first one is; default scales become multiples of the found ones, once there are some. `values` of
    `library_inputs`.
    """
    (sets, kind, one_set, scales, unit), names = values, frame.set_choices(visitor)
    analysis = labelled(kind)
    many: dict[str, Any] = {"choices": names}
    one, updates = dict(many), {}
    if NOT_SAVED not in names and visitor.saved_as is not None:  # it has a name now
        renamed = [visitor.saved_as if name == NOT_SAVED else name for name in (*(sets or []), one_set)]
        if renamed != [*(sets or []), one_set]:
            *sets, one_set = renamed
            many["value"], one["value"] = sets, one_set
    if not sets and names and analysis.over != "sets":
        sets, one_set = names[:1], names[0]
        many["value"], one["value"] = sets, one_set
        vector_set = frame.load_set(visitor)(one_set)
        rows = gr.update(choices=vector_choices(vector_set), value=str(defaults.best_row(vector_set)))
        updates = {tab.one_row: rows, **_scales(tab, frame, vector_set, analysis.generates)}
    elif sets and (unit, scales) == suggested_scales(frame.workbench.loaded, None, analysis.generates):
        chosen = one_set if analysis.over == "mix" else sets[0]
        if chosen in names:
            updates = _scales(tab, frame, frame.load_set(visitor)(chosen), analysis.generates)
    return {
        **updates,
        tab.sets: gr.update(**many),
        tab.one_set: gr.update(**one),
        **keep.listed(frame, tab, visitor),
        **current.relabelled(frame, tab, visitor),
    }


def outputs(tab: MeasureTab) -> list[Any]:
    """Everything `model_updates` may write to."""
    picked = [tab.kind, tab.sets, tab.rows, tab.one_set, tab.one_row, tab.hint, tab.notice]
    picked += [tab.scales, tab.unit, tab.controls]
    return [*tab.results, *tab.form, *picked, *transfer.outputs(tab.transfer), *keep.outputs(tab)]


def library_outputs(tab: MeasureTab) -> list[Any]:
    """What `library_updates` may write to."""
    pickers = [tab.sets, tab.one_set, tab.one_row, tab.scales, tab.unit]
    return [*pickers, *keep.outputs(tab), *current.relabelled_outputs(tab)]


def _wire_run(frame: Frame, tab: MeasureTab) -> None:
    written = [tab.notice, *tab.results, frame.status]

    @frame.keepable("measure", "Measure", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_measure(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from run(frame, tab, frame.visitor(request), MeasureForm(*values))

    @quick
    def on_measured(request: gr.Request) -> Any:
        """The plots and the buttons once more, in an event of their own: of all that changes with the last step of a
        run, a busy browser was seen to leave some out.
        """
        visitor = frame.visitor(request)
        return gr.skip() if MeasureState.of(visitor).result is None else current.shown_again(frame, tab, visitor)

    measured = tab.measure.click(
        on_measure, tab.inputs, written, trigger_mode="once", **PRIVATE
    )

    def on_ended(request: gr.Request, *values: Any) -> str:
        """The estimate anew, with what was learnt."""
        return cost_hint(frame, frame.visitor(request), MeasureForm(*values))

    shown_again = measured.then(on_measured, None, current.shown_again_outputs(tab), **PRIVATE)
    shown_again.then(on_ended, tab.inputs, tab.hint, **PRIVATE)


def _wire_form(frame: Frame, tab: MeasureTab) -> None:
    @quick
    def on_kind(request: gr.Request, *values: Any) -> dict[Any, Any]:
        visitor, form = frame.visitor(request), MeasureForm(*values)
        state = MeasureState.of(visitor)
        updates = _kind_updates(frame, tab, visitor, form.analysis)
        state.result = state.before = None
        return updates | tab.cleared(form.analysis) | {tab.notice: ""}

    written = [*tab.form, *tab.results, tab.notice, tab.rows, tab.controls, tab.scales, tab.unit]
    tab.kind.input(on_kind, tab.inputs, written, **PRIVATE)

    @quick
    def on_one_set(name: str | None, request: gr.Request) -> dict[Any, Any]:
        if not name:
            return {tab.one_row: gr.skip()}
        vector_set = frame.load_set(frame.visitor(request))(name)
        chosen = str(defaults.best_row(vector_set))
        return {
            tab.one_row: gr.update(choices=vector_choices(vector_set), value=chosen),
            **_scales(tab, frame, vector_set),
        }

    tab.one_set.input(on_one_set, tab.one_set, [tab.one_row, tab.scales, tab.unit], **PRIVATE)

    @quick
    def on_sets(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Suggested scales of the set; with several sets, the present scales stay."""
        visitor, form = frame.visitor(request), MeasureForm(*values)
        if not form.sets or len(form.sets) > 1 or form.analysis.over == "sets":
            return {tab.scales: gr.skip()}
        vector_set, few = frame.load_set(visitor)(form.sets[0]), form.analysis.generates
        return _scales(tab, frame, vector_set, few)

    tab.sets.input(on_sets, tab.inputs, [tab.scales, tab.unit], **PRIVATE)

    @quick
    def on_unit(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Suggested scales of the set in another unit."""
        visitor, form = frame.visitor(request), MeasureForm(*values)
        name = form.one_set if form.analysis.over == "mix" else next(iter(form.sets or ()), None)
        vector_set = frame.load_set(visitor)(name) if name else None
        return _scales(tab, frame, vector_set, form.analysis.generates, form.unit)

    tab.unit.input(on_unit, tab.inputs, [tab.scales, tab.unit], **PRIVATE)

    def on_cost(request: gr.Request, *values: Any) -> str:
        return cost_hint(frame, frame.visitor(request), MeasureForm(*values))

    costly: list[Any] = [
        tab.kind, tab.sets, tab.rows, tab.scales, tab.controls, tab.new_tokens, tab.leaderboard, tab.prompts.set_name,
        tab.prompts.use, tab.prompts.kind, tab.prompts.order, tab.prompts.draw_seed, tab.one_row, tab.unit,
        tab.patterns, tab.samples, tab.temperature,
    ]
    gr.on([part.change for part in costly], on_cost, tab.inputs, tab.hint, trigger_mode="always_last", **PRIVATE)
    frame.opened.append((on_cost, tab.inputs, [tab.hint]))


def _scales(
    tab: MeasureTab, frame: Frame, vector_set: VectorSet | None, few: bool = False, unit: str | None = None
) -> dict[Any, Any]:
    """Updates of the scales, to the suggested ones, and of their unit."""
    unit, scales = suggested_scales(frame.workbench.loaded, vector_set, few, unit)
    return {tab.scales: scales, tab.unit: unit}


def _kind_updates(frame: Frame, tab: MeasureTab, visitor: Visitor, analysis: Analysis) -> dict[Any, Any]:
    """Updates of the form for an analysis, with its default prompt set and amounts."""
    loaded = frame.workbench.loaded
    updates = applies(tab, analysis)
    few = analysis.generates
    updates |= {
        tab.controls: 2 if few else layout.CONTROLS,
        tab.rows: _few_rows(frame, visitor) if few else "all",
        **_scales(tab, frame, _opening_set(frame, visitor), few),
    }
    if analysis.over == "sets":
        return updates
    names, chosen = sets_for(loaded, analysis), usual_set(loaded, analysis)
    choice = PromptChoice(BUILT_IN, chosen, "", None, place=PLACE)
    updates |= tab.prompts.updates(choice, visitor, use=analysis.use) | {
        tab.prompts.kind: gr.update(choices=prompt_source.kinds("prompts" in analysis.sets), value=BUILT_IN),
        tab.prompts.order: prompt_source.FIRST,
        tab.prompts.set_name: gr.update(choices=names, value=chosen, visible=True),
    }
    return updates | prompt_source.format_of_set(chosen, tab.mode, tab.system)


def _opening_set(frame: Frame, visitor: Visitor) -> VectorSet | None:
    name = defaults.opening(frame.workbench.loaded, frame.store(visitor)).set_name
    return None if name is None else frame.load_set(visitor)(name)


def _few_rows(frame: Frame, visitor: Visitor) -> str:
    """The row of the default vector: one by default, where each costs hundreds of texts."""
    return str(defaults.opening(frame.workbench.loaded, frame.store(visitor)).row)


def _wire_prompts(frame: Frame, tab: MeasureTab) -> None:
    source = tab.prompts
    written = [*source.outputs, tab.hint]

    @quick
    def on_source(request: gr.Request, *values: Any) -> dict[Any, Any]:
        visitor, form = frame.visitor(request), MeasureForm(*values)
        return source.updates(form.choice, visitor) | {tab.hint: cost_hint(frame, visitor, form)}

    gr.on(source.changes, on_source, tab.inputs, written, trigger_mode="always_last", **PRIVATE)

    @quick
    def on_upload(request: gr.Request, path: str | None, *values: Any) -> dict[Any, Any]:
        visitor, form = frame.visitor(request), MeasureForm(*values)
        if refused := source.take_upload(visitor, PLACE, path):
            return refused
        total = len(Uploads.of(visitor).sets[PLACE].items) if path else None
        return source.updates(form.choice, visitor, use=total) | {tab.hint: cost_hint(frame, visitor, form)}

    checked = {**PRIVATE, "preprocess": True}  # only so does an upload become a path
    source.upload.change(on_upload, [source.upload, *tab.inputs], written, **checked)

    @quick
    def on_set(request: gr.Request, *values: Any) -> dict[Any, Any]:
        """Another prompt set, with the default number of items."""
        visitor, form = frame.visitor(request), MeasureForm(*values)
        updates = source.updates(form.choice, visitor, use=form.analysis.use)
        return updates | prompt_source.format_of_set(form.set_name, tab.mode, tab.system)

    source.set_name.input(on_set, tab.inputs, [*source.outputs, tab.mode, tab.system], **PRIVATE)


def cost_hint(frame: Frame, visitor: Visitor, form: MeasureForm) -> str:
    """The estimated cost of a measurement, as HTML; "" while the form is incomplete."""
    try:
        loaded, load = frame.loaded, frame.load_set(visitor)
        if form.analysis.over == "sets":
            rows = sum(len(rows) for _, rows in form.chosen(lambda name: frame.any_set(visitor, name)))
            return estimate.comparing(rows)
        return estimate.hint(loaded, form.request(form.choice.whole(visitor), load))
    except PlaygroundError:
        return ""
