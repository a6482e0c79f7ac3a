"""Accordion at the top of the page: the loaded model, a list of models, and controls to load one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.model.adapter import short_name
from playground.model.load import LoadedModel, is_organism
from playground.services.model_choices import HubModel, LocalModel, ModelChoices
from playground.ui.kit import markup
from playground.ui.kit.frame import Frame, acted, board
from playground.ui.kit.running import EVENT, follow, long, waiting_line

DEVICES = ["auto", "cuda", "cpu"]
DTYPES = ["auto", "bfloat16", "float32"]


@dataclass
class ModelStrip:
    """The components that are updated."""

    box: gr.Accordion
    memory: gr.HTML
    choices: gr.HTML
    toy: gr.HTML


def updates(frame: Frame, strip: ModelStrip) -> dict[Any, Any]:
    """Updates for the loaded model and the list of models."""
    loaded, choices = frame.workbench.loaded, frame.workbench.model_choices()
    return {
        strip.box: gr.update(label=label(loaded)),
        strip.memory: memory(loaded),
        strip.choices: choices_board(choices),
        strip.toy: toy_line(loaded, choices),
    }


def outputs(strip: ModelStrip) -> list[Any]:
    """All components that `updates` writes to."""
    return [strip.box, strip.memory, strip.choices, strip.toy]


def label(loaded: LoadedModel | None) -> str:
    """The title of the accordion: the name without folders, the number of blocks, and the device."""
    if loaded is None:
        return "no model loaded"
    return f"{short_name(loaded.name)} · {loaded.block_count} blocks · {loaded.device.type}"


def memory(loaded: LoadedModel | None) -> str:
    """Size, memory and fingerprint of the loaded model as HTML."""
    if loaded is None:
        return markup.empty("Give a path or a Hub id and press Load.")
    return markup.facts(
        [
            ("model", loaded.summary),
            ("parameters", f"{loaded.parameters:,}"),
            ("memory", f"{loaded.memory_bytes / 1e6:,.0f} MB"),
            ("reads at most", f"{loaded.max_positions:,} tokens" if loaded.max_positions else "no limit"),
            ("revision", loaded.revision),
            ("fingerprint", loaded.fingerprint),
        ]
    )


def toy_line(loaded: LoadedModel | None, choices: ModelChoices) -> str:
    """A line that calls the shipped model a toy, with a button that loads another one; nothing for other models."""
    first = choices.first_real
    if loaded is None or first is None or not is_organism(loaded):
        return ""
    return f'<p class="sp-toy"><span>a toy</span>{_button(first, "load ")}</p>'


def choices_board(choices: ModelChoices) -> str:
    """A button for each model: the shipped one, those on this machine, those of the Hub."""
    organism = '<button type="button" class="sp-chip" data-act="load" data-name="organism">organism <small>toy</small>'
    here = "".join(_button(model) for model in choices.local)
    hub = "".join(_button(model) for model in choices.hub)
    return (
        f'<div class="sp-models"><span>On this machine</span><div>{organism}</button>{here}</div>'
        f"{_hub(hub)}</div>"
    )


def _hub(buttons: str) -> str:
    if not buttons:  # a public page fetches nothing
        return ""
    note = "<small>memory of the weights in bfloat16; float32 takes twice as much</small>"
    return f"<span>From the Hub</span><div>{buttons}{note}</div>"


def _button(model: LocalModel | HubModel, before: str = "") -> str:
    if isinstance(model, HubModel):
        size = _size(model.memory_bytes) + (", terms to accept" if model.gated else "")
        title = f"Fetch {model.name} from the Hub and load it"
        if before:
            size = f"from the Hub, {size}"
    else:
        size, title = f"{_size(model.file_bytes)} on disk", f"Load {model.name}"
    return (
        f'<button type="button" class="sp-chip" data-act="load" data-name="{markup.escape(model.name)}" '
        f'title="{markup.escape(title)}">{before}{markup.escape(model.shown)} <small>{size}</small></button>'
    )


def _size(count: int) -> str:
    if count < 1e6:
        return "under 1 MB"
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def build(frame: Frame) -> ModelStrip:
    """The components with their event handlers."""
    loaded, choices = frame.workbench.loaded, frame.workbench.model_choices()
    with gr.Accordion(label(loaded), open=False, elem_id="model-strip", elem_classes="sp-strip-model") as box:
        with gr.Row(elem_classes="sp-tight"):
            name = gr.Textbox(
                "organism" if loaded is None else loaded.name,
                label="Model",
                elem_id="model-name",
                scale=4,
                min_width=200,
                info="A folder, a GGUF file, a Hub id or its address, or organism for the model that ships; then, if "
                "wanted, + adapter and the folder of a LoRA adapter.",
                max_lines=1,
            )
            device = gr.Radio(
                DEVICES,
                value="auto",
                label="Device",
                info="auto: the GPU where there is one",
                elem_id="model-device",
                min_width=170,
                scale=2,
            )
            dtype = gr.Radio(
                DTYPES,
                value="auto",
                label="Dtype",
                info="auto: the checkpoint's own",
                elem_id="model-dtype",
                min_width=220,
                scale=2,
            )
            load = gr.Button("Load", elem_id="model-load", min_width=80, scale=0)
        offered = board(choices_board(choices), elem_id="model-choices")
        notice = gr.HTML("", elem_id="model-notice")
        facts = gr.HTML(memory(loaded), elem_id="model-memory")
    toy = board(toy_line(loaded, choices), elem_id="model-toy")
    strip = ModelStrip(box, facts, offered, toy)

    def load_model(wanted: str, place: str, number: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        frame.workbench.check_loading(wanted, visitor.session)
        job = frame.workbench.start_loading(wanted, place, number, owner=visitor.session, address=visitor.address)
        for batch in follow(job, every=0.2):
            waiting = waiting_line(batch)
            yield {frame.status: frame.status_now(visitor), notice: markup.notice(waiting or "", "info")}
        job.result()

    with_errors = long(
        lambda: notice, lambda: {frame.status: frame.status_now(), frame.model_seen: frame.model_token()}
    )

    @with_errors
    def on_load(wanted: str, place: str, number: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        yield from load_model((wanted or "").strip(), place, number, request)

    @with_errors
    def on_choose(place: str, number: str, request: gr.Request, event: gr.EventData) -> Iterator[dict[Any, Any]]:
        """Load the model of a button; opens the accordion, which shows progress and errors."""
        wanted = acted(event).get("name", "")
        yield {name: wanted, box: gr.update(open=True)}
        yield from load_model(wanted, place, number, request)

    one_load: dict[str, Any] = {"trigger_mode": "once", **EVENT}
    shown = [notice, frame.status, frame.model_seen]
    gr.on([load.click, name.submit], on_load, [name, device, dtype], shown, **one_load)
    for shelf in (offered, toy):
        shelf.act(on_choose, [device, dtype], [*shown, name, box], **one_load)
    box.expand(lambda: choices_board(frame.workbench.model_choices()), None, offered, **EVENT)
    return strip
