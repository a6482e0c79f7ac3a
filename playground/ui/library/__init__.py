"""The Library tab: the vector sets in vectors/, with upload, rename, notes, delete and undo."""

from playground.ui.kit.tab import Tab
from playground.ui.library import layout, tab

TAB = Tab(
    name="library", label="Library", layout=layout.build, wire=tab.wire, outputs=layout.outputs,
    model_updates=tab.model_updates, library_outputs=layout.outputs, library_updates=tab.library_updates,
)
