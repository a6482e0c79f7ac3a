"""Makes endpoints of the page: names, types and descriptions for Gradio, errors as one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.events import api

from playground.ui.endpoints.arguments import checked
from playground.ui.endpoints.atlas import atlas
from playground.ui.endpoints.call import Answer, Call, written
from playground.ui.endpoints.find import find
from playground.ui.endpoints.generate import generate
from playground.ui.endpoints.load import load
from playground.ui.endpoints.measure import measure
from playground.ui.endpoints.scan import scan
from playground.ui.kit.frame import Frame
from playground.ui.kit.running import sentence

ENDPOINTS: tuple[Callable[..., Iterator[Answer]], ...] = (load, find, generate, measure, scan, atlas)
"""In the order of the documents; their docstrings are what other programs are told (assets/docs/SERVE.md)."""


def build(frame: Frame) -> None:
    """Add the endpoints to the page that is being laid out, by the names of their functions."""
    with gr.Column(visible=False):  # Gradio makes a component of every parameter, and lays it out
        for function in ENDPOINTS:
            api(_served(frame, function), api_name=function.__name__, api_visibility="public")


def _served(frame: Frame, function: Callable[..., Iterator[Answer]]) -> Callable[..., Iterator[Any]]:
    """The function as Gradio calls it: with values in the order of its parameters, and the request. It raises gr.Error
    with one sentence.
    """
    own = inspect.signature(function, eval_str=True)
    parameters = list(own.parameters.values())[1:]  # all but the call

    def handler(*values: Any) -> Iterator[Any]:
        *given, request = values
        try:
            call = Call(frame, frame.visitor(request))
            over_mcp = request.headers.get("x-gradio-user") == "mcp"
            for answer in function(call, **checked(parameters, given)):
                yield written(answer, frame.status) if over_mcp else answer
        except Exception as error:
            raise gr.Error(sentence(error), title="Not done", print_exception=False) from None

    # Gradio reads names, types and texts from here; its MCP server names tools by __name__.
    asked = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request, default=None)
    handler.__name__, handler.__doc__ = function.__name__, function.__doc__
    handler.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*parameters, asked], return_annotation=dict[str, Any]
    )
    handler.__annotations__ = {one.name: one.annotation for one in (*parameters, asked)}
    return handler
