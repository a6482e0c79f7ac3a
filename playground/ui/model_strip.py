"""The line at the top that says which model is loaded, and loads another one when opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.model.load import LoadedModel
from playground.ui import markup
from playground.ui.frame import Frame
from playground.ui.running import EVENT, follow, long, waiting_position

DEVICES = ["auto", "cuda", "cpu"]
DTYPES = ["auto", "bfloat16", "float32"]


@dataclass
class ModelStrip:
    box: gr.Accordion
    memory: gr.HTML


def label(loaded: LoadedModel | None) -> str:
    return "no model loaded" if loaded is None else loaded.summary


def memory(loaded: LoadedModel | None) -> str:
    """Size, memory and fingerprint of what is loaded."""
    if loaded is None:
        return markup.empty("Give a path or a Hub id and press Load.")
    return markup.facts(
        [
            ("parameters", f"{loaded.parameters:,}"),
            ("memory", f"{loaded.memory_bytes / 1e6:,.0f} MB"),
            ("reads at most", f"{loaded.max_positions:,} tokens" if loaded.max_positions else "no limit"),
            ("revision", loaded.revision),
            ("fingerprint", loaded.fingerprint),
        ]
    )


def build(frame: Frame) -> ModelStrip:
    loaded = frame.workbench.loaded
    with gr.Accordion(label(loaded), open=False, elem_id="model-strip", elem_classes="sp-strip-model") as box:
        with gr.Row(elem_classes="sp-tight"):
            name = gr.Textbox(
                "organism" if loaded is None else loaded.name,
                label="Model",
                elem_id="model-name",
                scale=4,
                min_width=200,
                info="A folder, a Hub id such as Qwen/Qwen3-0.6B, or organism for the model that ships.",
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
        notice = gr.HTML("", elem_id="model-notice")
        facts = gr.HTML(memory(loaded), elem_id="model-memory")
    strip = ModelStrip(box, facts)

    @long(lambda: notice, lambda: {frame.status: frame.status_now(), frame.model_seen: frame.model_token()})
    def on_load(wanted: str, place: str, number: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        visitor = frame.visitor(request)
        job = frame.workbench.start_loading((wanted or "").strip(), place, number, owner=visitor.session)
        for batch in follow(job, every=0.2):
            position = waiting_position(batch)
            said = "" if position is None else f"The model is busy; the load is number {position} in the queue."
            yield {frame.status: frame.status_now(), notice: markup.notice(said, "info")}
        job.result()

    gr.on(
        [load.click, name.submit],
        on_load,
        [name, device, dtype],
        [notice, frame.status, frame.model_seen],
        trigger_mode="once",
        concurrency_limit=4,
        concurrency_id="load",
        **EVENT,
    )
    return strip
