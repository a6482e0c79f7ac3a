"""The atlases that a visitor can open, and the one that the tab opens on."""

from __future__ import annotations

from playground.errors import PlaygroundError
from playground.library import atlases
from playground.library.atlas import Atlas
from playground.ui.kit.frame import Frame
from playground.ui.kit.visitor import Visitor


def atlas_names(frame: Frame, visitor: Visitor) -> list[str]:
    """Those of the loaded model; none while there is none."""
    loaded = frame.workbench.loaded
    return [] if loaded is None else atlases.names_for(loaded.fingerprint, frame.store(visitor).folder)


def other_choices(frame: Frame, visitor: Visitor, shown: Atlas | None) -> list[tuple[str, str]]:
    """Atlases that the one which is shown can be compared with, as (label, name), after “none”; itself left out."""
    if shown is None:
        return [("none", "")]
    names = atlases.names_of_shape(shown.origin.width, shown.origin.block_count, frame.store(visitor).folder)
    return [("none", ""), *((name, name) for name in names if name != shown.name)]


def opening_atlas(frame: Frame, visitor: Visitor) -> Atlas | None:
    """The first of them; None where there is none, or its file cannot be read."""
    names = atlas_names(frame, visitor)
    try:
        return atlases.open_named(names[0], frame.store(visitor).folder) if names else None
    except PlaygroundError:
        return None
