"""The Steer tab: a prompt, a mix of vectors, and its effect on text, next token and logit difference."""

from playground.ui.kit.tab import Tab
from playground.ui.steer import layout, tab

TAB = Tab(
    name="steer", label="Steer", layout=tab.build, wire=tab.wire, outputs=layout.outputs,
    model_updates=tab.model_updates, library_outputs=tab.library_outputs, library_updates=tab.library_updates,
    arrive=tab.arrive,
)
