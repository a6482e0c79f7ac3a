"""The whole page: what is written into it when another model is loaded or a set comes, is declared as an output."""

from __future__ import annotations

import gradio as gr
import pytest

from playground.services.session import Workbench
from playground.ui.page import build


@pytest.fixture(scope="module")
def handlers(tmp_path_factory):
    """Handlers of the page over the shipped model by name, each with its outputs."""
    workbench = Workbench()
    workbench.load_model()
    try:
        yield {handler.name: handler for handler in build(workbench).fns.values()}
    finally:
        workbench.close()


@pytest.mark.parametrize("name", ["on_model", "on_library"])
def test_all_that_is_written_is_an_output(handlers, name):
    shown = [component.value for component in handlers[name].inputs]
    written = handlers[name].fn(gr.Request(session_hash=f"somebody who has seen nothing yet of {name}"), *shown)
    outputs = {id(output) for output in handlers[name].outputs}
    assert len(written) > 10
    assert [component.elem_id for component in written if id(component) not in outputs] == []


def test_no_event_has_its_state_told_to_every_part_it_writes_to(handlers):
    # gr.render takes no such option, and no page hears of the named endpoints.
    own = [handler for handler in handlers.values() if handler.api_visibility == "private"]
    events = [handler for handler in own if handler.outputs and not handler.renderable]
    assert len(events) > 50
    told = [handler.name for handler in events if handler.show_progress_on != []]
    assert told == []
