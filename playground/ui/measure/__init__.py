"""The Measure tab: what vectors do to choices, replies and next tokens over scales, beside random directions."""

from playground.ui.kit.tab import Tab
from playground.ui.measure import layout, tab

TAB = Tab(
    name="measure", label="Measure", layout=layout.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_inputs=tab.library_inputs, library_outputs=tab.library_outputs,
    library_updates=tab.library_updates,
)
