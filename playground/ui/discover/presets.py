"""HTML of the description of a method and of its presets."""

from __future__ import annotations

from playground.methods.base.method import Method, Preset
from playground.methods.base.registry import registered
from playground.ui.kit.markup import escape


def explained(method: Method) -> str:
    """The description of the method."""
    return f'<p class="sp-hint sp-inset">{escape(method.about)}</p>'


def presets(method: Method) -> str:
    """Buttons of the presets with their settings; nothing for a method with fewer than two."""
    if len(method.presets) < 2:
        return ""
    lines = "".join(
        f'<li><button type="button" class="sp-chip" data-act="preset" data-name="{escape(preset.name)}" '
        f'title="{escape(preset.label)}">{"As in the paper" if preset.published else "Recommended"}</button></li>'
        for preset in method.presets
    )
    return f'<ul class="sp-presets" aria-label="Settings to begin with">{lines}</ul>'


def preset(name: str | None) -> tuple[Method, Preset] | None:
    """(method, preset) for the name of a preset; None for another name."""
    every = ((method, preset) for method in registered().values() for preset in method.presets)
    return next(((method, preset) for method, preset in every if preset.name == name), None)
