"""Offer of a first search while the loaded model has no vectors: one click computes some and opens their gallery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.methods.base.registry import registered
from playground.methods.base.request import FindRequest, find_request
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services.estimates import expected, work_of_find, work_of_scales
from playground.ui.kit import defaults
from playground.ui.kit.frame import Frame, acted, board
from playground.ui.kit.markup import escape_sentence
from playground.ui.kit.running import EVENT
from playground.ui.kit.visitor import Visitor
from playground.ui.widgets import prompt_source


def first_request(loaded: LoadedModel) -> FindRequest:
    """The first search on a model: the defaults of Discover. Raises InputError where no prompt set is for the model."""
    prompts, layers = prompt_source.default_prompts(loaded), defaults.layers(loaded)
    method = next(iter(registered().values()))
    return find_request(
        method.name,
        prompts=() if prompts is None else prompts.texts(),
        prompt_set=None if prompts is None else prompts.name,
        format=PromptFormat() if prompts is None else PromptFormat(chat=prompts.chat, system=prompts.system),
        source=layers.source,
        target=layers.target,
        vectors=layers.vectors,
    )


def offer(loaded: LoadedModel | None) -> str:
    """The box with the button, whose event is `find`, and what it costs, as HTML; nothing without a model."""
    if loaded is None:
        return ""
    try:
        request = first_request(loaded)
    except PlaygroundError:
        return ""
    took = expected(loaded, work_of_find(loaded, request))
    scales = expected(loaded, work_of_scales(loaded, request.prompts, request.format, request.k))
    about = "" if took is None or scales is None else f", {took}, then {scales} for the scales"
    what = (
        f"{len(request.prompts)} prompts of {request.prompt_set}, blocks {request.source} → {request.target}, "
        f"{request.vectors} vectors{about}. Then you choose by reading."
    )
    return (
        '<div class="sp-findsome" role="group" aria-label="No vectors for this model yet"><b>No vectors for this model '
        f'yet</b><div><button type="button" class="sp-primary" data-act="find">Find '
        f"some</button><span>{escape_sentence(what)}</span></div></div>"
    )


def build(frame: Frame) -> gr.HTML:
    """The board of the offer."""
    return board(shown(frame, Visitor("")), elem_id="find-some")


def shown(frame: Frame, visitor: Visitor) -> str:
    """The offer as HTML; nothing where there is a set for the model."""
    return "" if frame.set_choices(visitor) else offer(frame.workbench.loaded)


def wire(frame: Frame, box: gr.HTML) -> None:
    """Attach the event handler, once all tabs are laid out."""

    def on_find(event: gr.EventData, request: gr.Request) -> Iterator[dict[Any, Any]]:
        if acted(event).get("act") == "find":
            yield from frame.discovering.find(request)

    box.act(on_find, None, frame.discovering.outputs, trigger_mode="once", **EVENT)
