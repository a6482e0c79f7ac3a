"""A sentence on each method, and its presets as chips."""

from __future__ import annotations

from playground.methods.base.method import Method, Preset
from playground.methods.base.registry import registered
from playground.ui.kit.markup import escape


def explained(method: Method) -> str:
    """A sentence on the method."""
    return f'<p class="sp-hint sp-inset">{escape(method.about)}</p>'


def presets(method: Method) -> str:
    """Chips that fill the form in, each with what it sets; nothing for a method without a choice of presets."""
    if len(method.presets) < 2:
        return ""
    lines = "".join(
        f'<li><button type="button" class="sp-chip" data-act="preset" data-name="{escape(preset.name)}">'
        f"{'As in the paper' if preset.published else 'Recommended'}</button>"
        f"<small>{escape(preset.label)}</small></li>"
        for preset in method.presets
    )
    return f'<ul class="sp-presets" aria-label="Settings to begin with">{lines}</ul>'


def preset(name: str | None) -> tuple[Method, Preset] | None:
    """The preset of this name, and its method."""
    every = ((method, preset) for method in registered().values() for preset in method.presets)
    return next(((method, preset) for method, preset in every if preset.name == name), None)
