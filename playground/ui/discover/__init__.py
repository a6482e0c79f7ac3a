"""The Discover tab: compute steering vectors, watch the convergence, read the gallery, and save them."""

from playground.ui.discover import tab
from playground.ui.kit.tab import Tab

TAB = Tab(
    name="discover", label="Discover", layout=tab.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_inputs=tab.library_inputs, library_outputs=tab.library_outputs,
    library_updates=tab.library_updates,
)
