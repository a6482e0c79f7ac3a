"""Event handlers and updates of the Discover tab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from playground.errors import InputError, PlaygroundError
from playground.library.vector_set import VectorSet
from playground.methods.base.method import Method
from playground.methods.base.registry import registered
from playground.model.prompting import PromptFormat
from playground.services.find.continuing import settings_in
from playground.ui.discover import estimate, found, layout, settings
from playground.ui.discover import presets as method_presets
from playground.ui.discover.form import DiscoverForm
from playground.ui.discover.layers import first_method
from playground.ui.discover.layout import DiscoverTab
from playground.ui.discover.run import compute_vectors, continue_set, run_request, show_set
from playground.ui.discover.state import DiscoverState
from playground.ui.kit import defaults
from playground.ui.kit.frame import NOT_SAVED, Discovering, Frame, acted
from playground.ui.kit.pick import Pick
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import gallery, prompt_source
from playground.ui.widgets.find_some import FIRST_SCALES, first_request
from playground.ui.widgets.prompt_source import AGAINST, PromptChoice, PromptSource, against_of
from playground.ui.widgets.vector_controls import PickControls

PRIVATE: dict[str, Any] = {**EVENT, **UNCHECKED}


def wire(frame: Frame, tab: DiscoverTab) -> None:
    """Attach the event handlers of the tab."""
    inputs = tab.inputs
    _wire_run(frame, tab, inputs)
    _wire_form(frame, tab, inputs)
    for source in (tab.prompts, tab.against):
        _wire_prompts(frame, tab, source, inputs)
    for controls in tab.methods:
        settings.wire(frame, controls)
    found.wire(frame, tab)


def _form_of(
    frame: Frame, tab: DiscoverTab, request: gr.Request, values: Sequence[Any]
) -> tuple[Visitor, DiscoverForm]:
    visitor = frame.visitor(request)
    return visitor, DiscoverForm.of(values, tab.methods, frame.mix_now(visitor))


def model_updates(frame: Frame, tab: DiscoverTab, visitor: Visitor) -> dict[Any, Any]:
    """Updates to the bounds and defaults for the loaded model; the results of another model are cleared."""
    loaded, load = frame.workbench.loaded, frame.load_set(visitor)
    names = prompt_source.set_names(loaded)
    chosen = prompt_source.default_set(loaded)
    updates: dict[Any, Any] = {}
    for source, name in ((tab.prompts, chosen), (tab.against, prompt_source.default_other(loaded))):
        choice = PromptChoice(prompt_source.BUILT_IN, name, "", prompt_source.USE)
        updates |= source.updates(choice, visitor, use=prompt_source.USE) | {
            source.kind: prompt_source.BUILT_IN,
            source.order: prompt_source.FIRST,
            source.set_name: gr.update(choices=names, value=name, visible=True),
        }
    updates |= prompt_source.format_of_set(chosen, tab.mode, tab.system)
    opening = defaults.opening(loaded, frame.store(visitor))
    sets = frame.set_choices(visitor)
    base, first = Pick(opening.set_name, str(opening.row), scale=opening.scale), first_method()
    DiscoverState.of(visitor).method = first.name
    for controls in tab.methods:
        updates |= controls.offered(sets) | controls.based_on(base, sets, load)
    return updates | {
        **_method_updates(frame, tab, visitor, first),
        tab.method: first.label,
        **tab.layers.bounds(loaded),
        **tab.figures.empty(first),
        tab.progress: "",
        tab.gallery: gallery.WAITING,
        tab.repeat: "",
        tab.notice: "",
        tab.save_notice: "",
        tab.name: "",
        tab.save: gr.update(interactive=False),
        tab.download: gr.update(value=None, interactive=False),
        tab.hint: "",
    }


def library_updates(
    frame: Frame, tab: DiscoverTab, visitor: Visitor, values: Sequence[Any]
) -> dict[Any, Any]:
    """Updates of the pickers after the library changed; what is chosen stays, under its new name if it was just saved,
    and where nothing is, the first vector of the first set is.
    """
    names, load = frame.set_choices(visitor), frame.load_set(visitor)
    updates: dict[Any, Any] = {}
    for controls in tab.methods:
        updates |= controls.offered(names)
    for pick, value in zip(_picks(tab), values, strict=True):
        if value == NOT_SAVED and NOT_SAVED not in names and visitor.saved_as in names:
            updates[pick.set_name] = gr.update(choices=list(names), value=visitor.saved_as)
    empty = [pick for pick, value in zip(_picks(tab), values, strict=True) if not value]
    if names and empty:
        first = Pick(names[0], "0", scale=defaults.usual_scale(load(names[0]), 0, 1))
        for pick in empty:
            updates |= pick.show(first, names, load)
    return updates | tab.continuable(frame.continuable(visitor, DiscoverState.of(visitor).method))


def outputs(tab: DiscoverTab) -> list[Any]:
    """All components that `model_updates` may write to."""
    return [
        *_form_outputs(tab), tab.method, *tab.prompts.outputs, *tab.against.outputs, tab.mode, tab.system,
        *tab.figures.outputs, tab.notice, tab.progress, tab.gallery, tab.repeat, tab.name,
        tab.save_notice, tab.download, tab.save,
    ]


def library_inputs(tab: DiscoverTab) -> list[Any]:
    """The components whose values `library_updates` reads: sets of vector pickers."""
    return [pick.set_name for pick in _picks(tab)]


def library_outputs(tab: DiscoverTab) -> list[Any]:
    """All components that `library_updates` may write to."""
    offered = [part for controls in tab.methods for part in controls.offered(())]
    shown = [part for pick in _picks(tab) for part in (*pick.values, pick.strip)]
    return list(dict.fromkeys([tab.continue_box, tab.continued, *offered, *shown]))


def _picks(tab: DiscoverTab) -> list[PickControls]:
    return [pick for controls in tab.methods for pick in controls.picks]


def _form_outputs(tab: DiscoverTab) -> list[Any]:
    """The components of the form that depend on the method, and all that a preset may fill in."""
    own = [part for controls in tab.methods for part in controls.outputs]
    return [
        tab.about, tab.presets, tab.hint, tab.against_box, *tab.layers.outputs, *own, tab.continue_box, tab.continued,
        tab.read_sinks,
    ]


def _method_updates(
    frame: Frame, tab: DiscoverTab, visitor: Visitor, method: Method, all_tokens: bool = False, kind: str = "prompts"
) -> dict[Any, Any]:
    """Updates of the form for a method; `kind` is that of the prompts."""
    names = frame.continuable(visitor, method.name)
    shown: dict[Any, Any] = {
        tab.about: method_presets.explained(method),
        tab.presets: method_presets.presets(method),
        tab.against_box: gr.update(visible=method.reads.sides > 1 and kind == "prompts"),
        tab.read_sinks: gr.update(visible=method.reads.tokens is not None),
        **tab.continuable(names, names[0] if names else None),
        **tab.layers.applies(method, all_tokens, _reads_answers(method, kind)),
    }
    for controls in tab.methods:
        shown |= controls.visible(method)
    return shown


def _reads_answers(method: Method, kind: str) -> bool:
    """Whether activations are read at answers, which the prompts contain, rather than at tokens of the form."""
    return method.reads.sides > 1 and kind == "choices"


def build(frame: Frame) -> DiscoverTab:
    """The components; also sets the interface of Discover to the other tabs."""
    tab = layout.build(frame)
    written = [*_written(frame, tab), frame.tabs]

    @frame.keepable("discover", "Discover", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def find(request: gr.Request) -> Iterator[dict[Any, Any]]:
        yield {frame.tabs: gr.update(selected="discover")}
        yield from run_request(frame, tab, frame.visitor(request), first_request(frame.loaded), (FIRST_SCALES, True))

    @frame.keepable("discover", "Discover", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def show(request: gr.Request, vector_set: VectorSet, format: PromptFormat) -> Iterator[dict[Any, Any]]:
        yield {frame.tabs: gr.update(selected="discover")}
        yield from show_set(frame, tab, frame.visitor(request), vector_set, format)

    frame.discovering = Discovering(written, find, show)
    return tab


def _written(frame: Frame, tab: DiscoverTab) -> list[Any]:
    """All components that a run writes to."""
    return [
        tab.notice, tab.progress, *tab.figures.outputs, tab.gallery, tab.name, tab.repeat, tab.save_notice,
        tab.download, tab.save, tab.continue_box, tab.continued, frame.status, frame.library_seen,
        *tab.linearity.results,
    ]


def _wire_run(frame: Frame, tab: DiscoverTab, inputs: list[Any]) -> None:
    written = _written(frame, tab)
    options: dict[str, Any] = {"trigger_mode": "once", **PRIVATE}

    @frame.keepable("discover", "Discover", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_compute(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from compute_vectors(frame, tab, *_form_of(frame, tab, request, values))

    @frame.keepable("discover", "Discover", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_continue(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
        yield from continue_set(frame, tab, *_form_of(frame, tab, request, values))

    def on_ended(request: gr.Request, *values: Any) -> str:
        """The estimate anew, with what was learnt."""
        return cost_hint(frame, *_form_of(frame, tab, request, values))

    for button, run in ((tab.compute, on_compute), (tab.continue_button, on_continue)):
        button.click(run, inputs, written, **options).then(on_ended, inputs, tab.hint, **PRIVATE)


def _wire_form(frame: Frame, tab: DiscoverTab, inputs: list[Any]) -> None:
    @quick
    def on_method(request: gr.Request, *values: Any) -> dict[Any, Any]:
        visitor, form = _form_of(frame, tab, request, values)
        state = DiscoverState.of(visitor)
        method, before = form.by, registered()[state.method]
        state.method, kind = method.name, _kind(form, visitor)
        updates = _method_updates(frame, tab, visitor, method, form.all_tokens, kind)
        if visitor.found is None:  # the figures of a computed set stay
            updates |= tab.figures.empty(method)
        now = (form.vectors, form.tokens, form.all_tokens)
        updates |= tab.layers.changed(method, before, now, frame.workbench.loaded, _reads_answers(method, kind))
        usual, contrast = prompt_source.default_set(frame.loaded), prompt_source.default_contrast(frame.loaded)
        if method.reads.sides > 1 and contrast is not None and form.set_name == usual:
            updates[tab.prompts.set_name] = contrast  # a set with both sides
            updates |= prompt_source.format_of_set(contrast, tab.mode, tab.system)
        elif method.reads.sides < 2 and form.set_name == contrast:
            updates[tab.prompts.set_name] = usual
            updates |= prompt_source.format_of_set(usual, tab.mode, tab.system)
        return updates | {tab.hint: cost_hint(frame, visitor, form)}

    asked = [tab.prompts.set_name, tab.mode, tab.system]
    tab.method.input(on_method, inputs, [*_form_outputs(tab), *tab.figures.outputs, *asked], **PRIVATE)

    @quick
    def on_preset(event: gr.EventData, request: gr.Request, *values: Any) -> dict[Any, Any]:
        found = method_presets.preset(acted(event).get("name"))
        if found is None:
            raise InputError("Expected one of the settings, got another one; click one of the buttons.")
        method, chosen = found
        visitor, form = _form_of(frame, tab, request, values)
        updates = tab.layers.shown(method, chosen, frame.workbench.loaded)
        updates |= tab.prompts.updates(form.choice, visitor, use=chosen.prompts or prompt_source.USE)
        updates[tab.read_sinks] = chosen.values.get("read_sinks", False)
        for controls in tab.methods:
            updates |= controls.shown(chosen.values) if controls.method is method else {}
        return updates

    tab.presets.act(on_preset, inputs, [*_form_outputs(tab), *tab.prompts.outputs], **PRIVATE)

    def on_all(all_tokens: bool) -> Any:
        return gr.update(visible=not all_tokens)

    tab.layers.all_tokens.input(on_all, tab.layers.all_tokens, tab.layers.tokens, **PRIVATE)

    @quick
    def on_continued(request: gr.Request, name: str | None) -> dict[Any, Any]:
        """Show the settings of the set, so that its search continues with them."""
        if not name:
            return {}
        vector_set = frame.load_set(frame.visitor(request))(name)
        own = [one for one in tab.methods if one.method.name == vector_set.origin.method]
        return {part: value for one in own for part, value in one.shown(settings_in(vector_set)).items()}

    settable = [part for controls in tab.methods if controls.method.continues for part in controls.outputs]
    tab.continued.input(on_continued, tab.continued, [*settable, tab.notice], **PRIVATE)

    def on_cost(request: gr.Request, *values: Any) -> str:
        return cost_hint(frame, *_form_of(frame, tab, request, values))

    costly: list[gr.Number | gr.Slider] = [tab.layers.source, tab.layers.target, tab.layers.vectors]
    costly += [part for controls in tab.methods for part in controls.inputs if isinstance(part, gr.Number | gr.Slider)]
    gr.on([part.change for part in costly], on_cost, inputs, tab.hint, trigger_mode="always_last", **PRIVATE)
    frame.opened.append((on_cost, inputs, [tab.hint]))


def _wire_prompts(frame: Frame, tab: DiscoverTab, source: PromptSource, inputs: list[Any]) -> None:
    written = [*source.outputs, tab.hint, tab.against_box, *tab.layers.outputs]
    other = source is tab.against

    def shown(visitor: Visitor, form: DiscoverForm, use: int | None = None) -> dict[Any, Any]:
        updates = source.updates(form.other_choice if other else form.choice, visitor, use=use)
        updates[tab.hint] = cost_hint(frame, visitor, form)
        if form.by.reads.sides > 1:  # prompts with both sides need no second list
            kind = _kind(form, visitor)
            updates |= {
                tab.against_box: gr.update(visible=kind == "prompts"),
                **tab.layers.applies(form.by, form.all_tokens, _reads_answers(form.by, kind)),
            }
        return updates

    @quick
    def on_source(request: gr.Request, *values: Any) -> dict[Any, Any]:
        return shown(*_form_of(frame, tab, request, values))

    gr.on(source.changes, on_source, inputs, written, trigger_mode="always_last", **PRIVATE)

    @quick
    def on_upload(request: gr.Request, path: str | None, *values: Any) -> dict[Any, Any]:
        visitor, form = _form_of(frame, tab, request, values)
        place = AGAINST if other else "discover"
        if refused := source.take_upload(visitor, place, path):
            return refused
        return shown(visitor, form, use=prompt_source.USE)

    checked = {**PRIVATE, "preprocess": True}  # preprocessing turns an upload into a path
    source.upload.change(on_upload, [source.upload, *inputs], written, **checked)
    if other:
        return

    @quick
    def on_set(name: str | None) -> dict[Any, Any]:
        return prompt_source.format_of_set(name, tab.mode, tab.system)

    source.set_name.input(on_set, source.set_name, [tab.mode, tab.system], **PRIVATE)


def _kind(form: DiscoverForm, visitor: Visitor) -> str:
    """The kind of the chosen prompts; "prompts" for all one-sided kinds, and while there are none."""
    try:
        whole = form.choice.whole(visitor)
        return "prompts" if whole.one_sided else whole.kind
    except PlaygroundError:
        return "prompts"


def cost_hint(frame: Frame, visitor: Visitor, form: DiscoverForm) -> str:
    """A line on the estimated time of Compute; nothing while the form is not complete."""
    try:
        prompts = form.choice.chosen(visitor)
        against = against_of(form.by, prompts, form.other_choice, visitor)
        request = form.request(prompts, against, frame.load_set(visitor))
        return estimate.hint(frame.loaded, request, form.after[0] is not None)
    except PlaygroundError:
        return ""
