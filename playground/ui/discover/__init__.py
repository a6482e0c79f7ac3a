"""The Discover tab: choose a method, prompts and layers, watch it converge, look at what was found, and save it."""

from playground.ui.discover import layout, tab
from playground.ui.kit.tab import Tab

TAB = Tab(
    name="discover", label="Discover", layout=layout.build, wire=tab.wire, outputs=tab.outputs,
    model_updates=tab.model_updates, library_outputs=tab.library_outputs, library_updates=tab.library_updates,
)
