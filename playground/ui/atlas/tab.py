"""Event handlers and updates of the Atlas tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import FileError, InputError, PlaygroundError
from playground.library import atlas as files
from playground.library import atlases
from playground.library.atlas import Atlas, Pair
from playground.library.vector_set import check_fits
from playground.services.atlas.colours import COLOURS
from playground.services.atlas.effects import usual_scale
from playground.services.estimates import expected, work_of_atlas
from playground.services.set_prompts import format_of
from playground.ui.atlas import cell as cell_panel
from playground.ui.atlas import map, reading, run
from playground.ui.atlas.files import atlas_names, opening_atlas, other_choices
from playground.ui.atlas.form import PLACE, AtlasForm
from playground.ui.atlas.layout import AtlasTab, choices, explained
from playground.ui.atlas.state import AtlasState
from playground.ui.kit import markup
from playground.ui.kit.entered import real
from playground.ui.kit.frame import Frame, acted
from playground.ui.kit.running import EVENT, UNCHECKED, long, quick, sentence
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import prompt_source
from playground.ui.widgets.prompt_source import PromptChoice

PRIVATE: dict[str, Any] = {**EVENT, **UNCHECKED}
Updates = dict[Any, Any]


def wire(frame: Frame, tab: AtlasTab) -> None:
    """Attach the event handlers of the tab."""
    _wire_run(frame, tab)
    _wire_map(frame, tab)
    _wire_files(frame, tab)
    _wire_prompts(frame, tab)


def model_updates(frame: Frame, tab: AtlasTab, visitor: Visitor) -> Updates:
    """Updates for the loaded model; the map of another one is cleared."""
    loaded = frame.workbench.loaded
    visitor.slices.pop(AtlasState, None)
    name = prompt_source.default_set(loaded)
    choice = PromptChoice(prompt_source.BUILT_IN, name, "", 1, place=PLACE)
    updates: Updates = tab.prompts.updates(choice, visitor, use=1) | {
        tab.prompts.kind: prompt_source.BUILT_IN,
        tab.prompts.order: prompt_source.FIRST,
        tab.prompts.set_name: gr.update(choices=prompt_source.set_names(loaded), value=name, visible=True),
    }
    updates |= prompt_source.format_of_set(name, tab.mode, tab.system)
    names, opening = atlas_names(frame, visitor), opening_atlas(frame, visitor)
    updates |= {
        tab.other: gr.update(choices=[("none", "")], value="", visible=False), tab.other_notice: "", tab.compared: "",
        tab.kept: gr.update(choices=names, value=None if opening is None else opening.name, visible=bool(names)),
        tab.map: map.WAITING, tab.cell: cell_panel.WAITING, tab.about: explained(map.GAIN), tab.progress: "",
        tab.notice: "", tab.repeat: "", tab.hint: "", tab.keep: gr.update(interactive=False),
        tab.colour: gr.update(choices=choices(COLOURS), value=map.GAIN), tab.effects: gr.update(interactive=False),
        tab.effect_scale: usual_scale(loaded),
        tab.download: gr.update(value=None, interactive=False),
    }
    if opening is not None:
        updates |= run.show(frame, tab, visitor, opening) | {tab.progress: map.about(opening)}
    return updates


def arrive(frame: Frame, visitor: Visitor) -> None:
    """The session state of a new visitor, who sees the atlas that the page was built with."""
    opening = opening_atlas(frame, visitor)
    if opening is not None:
        AtlasState.of(visitor).show(opening)


def outputs(tab: AtlasTab) -> list[Any]:
    """All components that `model_updates` may write to."""
    return [*tab.prompts.outputs, tab.mode, tab.system, tab.kept, tab.hint, tab.effect_scale, *tab.shown]


def library_updates(frame: Frame, tab: AtlasTab, visitor: Visitor, values: Any) -> Updates:
    """Updates of the picker after the library changed; what is chosen stays."""
    names = atlas_names(frame, visitor)
    others = other_choices(frame, visitor, AtlasState.of(visitor).atlas)
    return {
        tab.kept: gr.update(choices=names, visible=bool(names)),
        tab.other: gr.update(choices=others, visible=len(others) > 1),
    }


def library_outputs(tab: AtlasTab) -> list[Any]:
    """All components that `library_updates` may write to."""
    return [tab.kept, tab.other]


def _wire_run(frame: Frame, tab: AtlasTab) -> None:
    written = [*tab.shown, frame.status]

    @frame.keepable("atlas", "Atlas", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_compute(request: gr.Request, *values: Any) -> Iterator[Updates]:
        visitor = frame.visitor(request)
        asked = AtlasForm.of(values).request(frame.loaded, visitor)
        yield from run.compute(frame, tab, visitor, asked)

    @frame.keepable("atlas", "Atlas", written)
    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_effects(request: gr.Request, scale: Any) -> Iterator[Updates]:
        yield from run.measure(frame, tab, frame.visitor(request), real(scale, "relative scale"))

    tab.effects.click(on_effects, tab.effect_scale, written, trigger_mode="once", **PRIVATE)

    def on_cost(request: gr.Request, *values: Any) -> str:
        return _hint(frame, frame.visitor(request), values)

    tab.compute.click(
        on_compute, tab.inputs, written, trigger_mode="once", **PRIVATE
    ).then(on_cost, tab.inputs, tab.hint, **PRIVATE)
    gr.on(
        [part.change for part in (tab.vectors, tab.tokens, tab.step)], on_cost, tab.inputs, tab.hint,
        trigger_mode="always_last", **PRIVATE,
    )
    frame.opened.append((on_cost, tab.inputs, [tab.hint]))


def _wire_map(frame: Frame, tab: AtlasTab) -> None:
    @quick
    def on_colour(colour: str, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        return run.coloured(tab, visitor, _known(visitor, colour))

    tab.colour.input(on_colour, tab.colour, [tab.map, tab.about], **PRIVATE)

    @quick
    def on_cell(event: gr.EventData, colour: str, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        return run.chosen(tab, visitor, _pair(acted(event)), _known(visitor, colour))

    @long(lambda: tab.notice, lambda: {frame.status: frame.status_now()})
    def on_read(request: gr.Request, scale: Any) -> Iterator[Updates]:
        yield from reading.read(frame, tab, frame.visitor(request), real(scale, "relative scale"))

    tab.map.act(on_cell, tab.colour, [tab.cell, tab.map], trigger_mode="multiple", **PRIVATE).then(
        on_read, tab.effect_scale, [tab.cell, tab.notice, frame.status], trigger_mode="multiple", **PRIVATE
    )

    def on_gallery(event: gr.EventData, request: gr.Request) -> Iterator[Updates]:
        data, state = acted(event), AtlasState.of(frame.visitor(request))
        if data.get("act") != "gallery" or state.atlas is None:
            return
        try:
            vectors = state.atlas.vector_set(_pair(data))
        except PlaygroundError as error:
            gr.Warning(markup.escape_sentence(str(error)), title="Not done")
            return
        yield from frame.discovering.show(request, vectors, format_of(vectors.origin))

    tab.cell.act(on_gallery, None, frame.discovering.outputs, trigger_mode="once", **EVENT)


def _wire_files(frame: Frame, tab: AtlasTab) -> None:
    def opened(visitor: Visitor, made: Atlas) -> Updates:
        loaded = frame.loaded
        # The pair's own set says whether it fits: width, layers, fingerprint.
        first = made.vector_set((int(made.pairs[0, 0]), int(made.pairs[0, 1])))
        warning = check_fits(first, loaded.width, loaded.block_count, loaded.fingerprint, loaded.name)
        return run.show(frame, tab, visitor, made) | {
            tab.progress: map.about(made),
            tab.notice: "" if warning is None else markup.notice(warning, "warning"),
            tab.repeat: "",
            tab.keep: gr.update(interactive=False),
        }

    @quick
    def on_kept(name: str | None, request: gr.Request) -> Updates:
        if not name:
            return {tab.map: gr.skip()}
        visitor = frame.visitor(request)
        return opened(visitor, atlases.open_named(name, frame.store(visitor).folder))

    tab.kept.input(on_kept, tab.kept, tab.shown, **PRIVATE)

    @quick
    def on_upload(path: str | None, request: gr.Request) -> Updates:
        if not path:
            return {tab.map: gr.skip()}
        return opened(frame.visitor(request), files.load(Path(path)))

    tab.upload.upload(on_upload, tab.upload, tab.shown, **EVENT)

    shown = [tab.map, tab.colour, tab.about, tab.cell, tab.compared, tab.other, tab.other_notice]

    def compared(visitor: Visitor, opened: Callable[[], Atlas | None]) -> Updates:
        try:
            return run.compare(tab, visitor, opened())
        except PlaygroundError as error:
            refused = run.compare(tab, visitor, None) if AtlasState.of(visitor).atlas is not None else {}
            return refused | {tab.other: "", tab.other_notice: markup.notice(sentence(error))}

    @quick
    def on_other(name: str | None, request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        return compared(visitor, lambda: atlases.open_named(name, frame.store(visitor).folder) if name else None)

    tab.other.input(on_other, tab.other, shown, **PRIVATE)

    @quick
    def on_other_upload(path: str | None, request: gr.Request) -> Updates:
        if not path:
            return {tab.map: gr.skip()}
        return compared(frame.visitor(request), lambda: files.load(Path(path))) | {tab.other: ""}

    tab.other_upload.upload(on_other_upload, tab.other_upload, shown, **EVENT)

    @quick
    def on_keep(request: gr.Request) -> Updates:
        visitor = frame.visitor(request)
        made = AtlasState.of(visitor).atlas
        if made is None:
            raise FileError("Expected an atlas, got none; compute one first.")
        kept = atlases.keep(made, run.name_of(made), frame.store(visitor).folder)
        names = atlas_names(frame, visitor)
        return {
            tab.keep: gr.update(interactive=False, value=f"Kept as {kept}"),
            tab.kept: gr.update(choices=names, visible=bool(names)),
        }

    tab.keep.click(on_keep, None, [tab.keep, tab.kept], **EVENT)


def _wire_prompts(frame: Frame, tab: AtlasTab) -> None:
    source = tab.prompts

    @quick
    def on_source(request: gr.Request, *values: Any) -> Updates:
        visitor = frame.visitor(request)
        shown = source.updates(AtlasForm.of(values).choice, visitor)
        return shown | {tab.hint: _hint(frame, visitor, values)}

    gr.on(
        source.changes, on_source, tab.inputs, [*source.outputs, tab.hint], trigger_mode="always_last", **PRIVATE
    )

    @quick
    def on_upload(request: gr.Request, path: str | None, *values: Any) -> Updates:
        visitor = frame.visitor(request)
        if refused := source.take_upload(visitor, PLACE, path):
            return refused
        return source.updates(AtlasForm.of(values).choice, visitor, use=1)

    checked = {**PRIVATE, "preprocess": True}  # preprocessing turns an upload into a path
    source.upload.change(on_upload, [source.upload, *tab.inputs], source.outputs, **checked)

    @quick
    def on_set(name: str | None) -> Updates:
        return prompt_source.format_of_set(name, tab.mode, tab.system)

    source.set_name.input(on_set, source.set_name, [tab.mode, tab.system], **PRIVATE)


def _hint(frame: Frame, visitor: Visitor, values: Any) -> str:
    """A line on the size of the map and its estimated time; nothing while the form is not complete."""
    loaded = frame.workbench.loaded
    if loaded is None:
        return ""
    try:
        request = AtlasForm.of(values).request(loaded, visitor)
        took = expected(loaded, work_of_atlas(loaded, request))
    except PlaygroundError:
        return ""
    count = len(request.find.prompts)
    size = f"{count} {'prompt' if count == 1 else 'prompts'} × {request.pairs} pairs × {request.find.k} vectors"
    return markup.estimate(size, took)


def _known(visitor: Visitor, colour: str) -> str:
    colours = AtlasState.of(visitor).colours
    if colour not in colours:
        raise InputError(f"Expected one of {', '.join(colours)}, got another colour; choose one of the list.")
    return colour


def _pair(data: dict[str, str]) -> Pair:
    source, target = data.get("source", ""), data.get("target", "")
    if not (source.isdecimal() and target.isdecimal() and len(source) < 5 and len(target) < 5):
        raise InputError("Expected a cell of the map, got something else; click one.")
    return int(source), int(target)
