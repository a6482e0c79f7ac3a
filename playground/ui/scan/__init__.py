"""The Scan tab: texts of every vector, sign and scale in one table; star, name and discard for each vector."""

from playground.ui.kit.tab import Tab
from playground.ui.scan import layout, tab

TAB = Tab(
    name="scan", label="Scan", layout=layout.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_inputs=tab.library_inputs, library_outputs=tab.library_outputs,
    library_updates=tab.library_updates,
)
