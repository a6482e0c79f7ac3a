"""Picker of the positions at which something is added."""

from __future__ import annotations

import gradio as gr

_CHOICES = [
    ("all tokens", "all"), ("prompt", "prompt"), ("last prompt token", "last"), ("generated", "generated"),
    ("first generated token", "first-1"), ("first 8 generated", "first-8"),
]  # fmt: skip


def positions_picker(elem_id: str, info: str) -> gr.Dropdown:
    """A dropdown whose value is one of core/positions.py; another count is typed."""
    return gr.Dropdown(
        _CHOICES, value="all", label="Positions", elem_id=elem_id, info=f"{info}; another window: type first-N",
        allow_custom_value=True, min_width=200,
    )  # fmt: skip
