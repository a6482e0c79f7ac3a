"""Panel of the Library for an uploaded file of another tool: what it holds, what it does not say, and taking it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.errors import FileError
from playground.library.directions import BLOCKS, HIDDEN_STATES, MLP_OUTPUT, Directions
from playground.library.origin import HOOK_SITE
from playground.model.load import LoadedModel, is_organism
from playground.services.imports import Imported, ImportRequest, import_directions, usual_prompts
from playground.services.jobs import JobContext
from playground.services.prompt_fields import prompt_fields
from playground.ui.kit import markup
from playground.ui.kit.entered import whole
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import EVENT, follow, long, quick
from playground.ui.kit.visitor import Visitor
from playground.ui.library.state import Incoming, LibraryState

COUNTED = (("block outputs, counted from 0", BLOCKS), ("indices into hidden_states", HIDDEN_STATES))
FOUND_AT = (("the block’s output", HOOK_SITE), ("its MLP’s output", MLP_OUTPUT))


@dataclass(frozen=True)
class Share:
    """Progress event of an import, for the status line. `share` is from 0 to 1."""

    share: float


@dataclass(frozen=True)
class IncomingPanel:
    """The components."""

    box: gr.Column
    about: gr.HTML
    layer: gr.Number
    counted: gr.Radio
    site: gr.Radio
    take: gr.Button
    leave: gr.Button

    @property
    def outputs(self) -> list[Any]:
        """The components that `shown` and `hidden` write to."""
        return [self.box, self.about, self.layer, self.counted, self.site]

    def shown(self, name: str, directions: Directions) -> dict[Any, Any]:
        """Updates that show the panel for a file, with a question for all that it does not say."""
        missing = directions.missing
        return {
            self.box: gr.update(visible=True),
            self.about: _about(name, directions),
            self.layer: gr.update(visible="layer" in missing, value=0),
            self.counted: gr.update(visible="counted" in missing, value=None),
            self.site: gr.update(value=directions.site or HOOK_SITE),
        }

    def hidden(self) -> dict[Any, Any]:
        """Updates that put the panel away."""
        return {self.box: gr.update(visible=False)}


def build() -> IncomingPanel:
    """The components, put away until a file comes."""
    with gr.Column(visible=False, elem_id="library-incoming", elem_classes="sp-card") as box:
        about = gr.HTML("", elem_id="library-incoming-about")
        layer = gr.Number(
            0, label="Layer", info="which one the vectors are added at", precision=0, minimum=0,
            elem_id="library-incoming-layer",
        )
        counted = gr.Radio(
            list(COUNTED), label="Layers are", value=None, elem_id="library-incoming-counted", elem_classes="sp-inline"
        )
        site = gr.Radio(
            list(FOUND_AT), label="Found at", value=HOOK_SITE, elem_id="library-incoming-site",
            elem_classes="sp-inline",
        )
        with gr.Row(elem_classes="sp-tight"):
            take = gr.Button("Take in", variant="primary", elem_id="library-take", min_width=100, scale=0)
            leave = gr.Button("Leave it", elem_id="library-leave", min_width=90, scale=0)
    return IncomingPanel(box, about, layer, counted, site, take, leave)


def wire(
    frame: Frame,
    panel: IncomingPanel,
    notice: gr.HTML,
    changed: Callable[[Visitor], dict[Any, Any]],
    outputs: list[Any],
) -> None:
    """Attach the event handlers. `changed` gives updates of `outputs` after the library has changed."""

    @long(lambda: notice, lambda: {frame.status: frame.status_now()})
    def on_take(layer: float, counted: str | None, site: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        state = LibraryState.of(visitor)
        if state.incoming is None:
            raise FileError("Expected a file to take in, got none; upload one.")
        incoming = state.incoming
        wanted = _request(frame, incoming, layer, counted, site)

        def work(model: LoadedModel, context: JobContext) -> Imported:
            return import_directions(model, wanted, lambda share: context.emit(Share(share)), context.cancelled)

        job = frame.start(visitor, "taking in vectors", work)
        for _ in follow(job):
            yield {frame.status: frame.status_now(visitor)}
        found, store = job.result(), frame.store(visitor)
        names = []
        for vector_set in found.sets:
            names.append(store.free_name(vector_set.name))
            store.save(replace(vector_set, name=names[-1]), names[-1])
        state.select(names[0])
        state.incoming = None
        yield {
            notice: markup.notice(" ".join([_taken(names, found), *found.said]), "info"),
            **panel.hidden(),
            frame.library_seen: frame.library_token(visitor),
            **changed(visitor),
        }

    panel.take.click(
        on_take, [panel.layer, panel.counted, panel.site],
        [notice, frame.status, frame.library_seen, *panel.outputs, *outputs], trigger_mode="once", **EVENT,
    )  # fmt: skip

    @quick
    def on_leave(request: gr.Request) -> dict[Any, Any]:
        LibraryState.of(frame.visitor(request)).incoming = None
        return {notice: "", **panel.hidden()}

    panel.leave.click(on_leave, None, [notice, *panel.outputs], **EVENT)


def _request(
    frame: Frame, incoming: Incoming, layer: float, counted: str | None, site: str
) -> ImportRequest:
    """What is asked, with the answers that the file left open. Raises InputError, ModelError without a model."""
    missing = incoming.directions.missing
    fields = prompt_fields(usual_prompts(is_organism(frame.loaded)))
    return ImportRequest(
        directions=incoming.directions, name=incoming.name, site=site,
        layer=whole(layer, "the layer", 0) if "layer" in missing else None,
        counted=counted if "counted" in missing else None,
        **{name: fields[name] for name in ("prompts", "prompt_set", "format")},
    )  # fmt: skip


def _taken(names: list[str], found: Imported) -> str:
    rows = sum(vector_set.rows for vector_set in found.sets)
    vectors = f"{rows} vector{'' if rows == 1 else 's'}"
    if len(names) == 1:
        return f"Took in {names[0]} with {vectors}."
    return f"Took in {len(names)} sets, {names[0]} to {names[-1]}, with {vectors}."


def _about(name: str, directions: Directions) -> str:
    """HTML of what a file holds, and what is to be answered."""
    holds = f"vectors of shape {directions.shape_text}"
    asks = {
        (): "It says all that is needed.",
        ("layer",): "It does not say their layer.",
        ("counted",): "It does not say how layers are counted.",
        ("layer", "counted"): "It says neither their layer nor how layers are counted.",
    }[directions.missing]
    return (
        f'<div class="sp-cardhead"><h2>{markup.escape(name)}</h2><small>{markup.escape(holds)}</small></div>'
        f'<p class="sp-quiet">{asks} The reference norm is measured on eight prompts.</p>'
    )
