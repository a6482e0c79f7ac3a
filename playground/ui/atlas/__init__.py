"""The Atlas tab: every pair of layers on one map; a cell's vectors open in the gallery."""

from playground.ui.atlas import layout, tab
from playground.ui.kit.tab import Tab

TAB = Tab(
    name="atlas", label="Atlas", layout=layout.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_outputs=tab.library_outputs, library_updates=tab.library_updates,
    arrive=tab.arrive,
)
