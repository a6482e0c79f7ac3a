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
