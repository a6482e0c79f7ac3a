"""The Measure tab: effects of vectors on choices, answers, replies and next tokens over scales, beside controls."""

from playground.ui.kit.tab import Tab
from playground.ui.measure import layout, tab

TAB = Tab(
    name="measure", label="Measure", layout=layout.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_inputs=tab.library_inputs, library_outputs=tab.library_outputs,
    library_updates=tab.library_updates,
)
