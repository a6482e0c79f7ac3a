"""The methods: what each is, which part of the form it needs, and its presets as chips."""

from __future__ import annotations

from playground.services.find import METHODS as FOUND_METHODS
from playground.services.find import presets as find_presets
from playground.services.find.presets import Preset
from playground.ui.markup import escape

METHODS = {
    "Power iteration": "power",
    "MELBO": "melbo",
    "MELBO-ortho": "ortho",
    "Mean difference": "difference",
    "Random baseline": "random",
}
assert set(METHODS.values()) == set(FOUND_METHODS)

LABELS = {method: label for label, method in METHODS.items()}

WHAT = {
    "power": "The directions a later layer amplifies most: singular vectors of the Jacobian, exact for small pushes.",
    "melbo": "Pushes of one norm that move a later layer as far as they can, found by gradient ascent.",
    "ortho": "Given a vector that does something: others that do the same, each orthogonal to it and to all before.",
    "difference": "The mean residual stream on prompts that show a behaviour, minus that on prompts that do not.",
    "random": "Random directions: the control that every finding is judged against.",
}

LAYERED = ("power", "melbo", "ortho")
"""Methods that read an effect at a target layer."""
COUNTED = ("power", "melbo", "random")
"""Methods that are asked for a number of vectors by the common slider."""
LAST_TOKENS = ("power", "melbo", "difference")
"""Methods that read the last positions, or all of them, as the common controls say."""
MAY_READ_ALL = ("power", "melbo", "ortho", "difference")
"""Methods that can read all positions, where attention sinks are left out unless asked for."""


def explained(method: str) -> str:
    """A sentence on the method."""
    return f'<p class="sp-hint sp-inset">{escape(WHAT.get(method, ""))}</p>'


def presets(method: str) -> str:
    """Chips that fill the form in, each with what it sets; nothing for a method without a choice of presets."""
    chosen = find_presets.presets(method)
    if len(chosen) < 2:
        return ""
    lines = "".join(
        f'<li><button type="button" class="sp-chip" data-act="preset" data-name="{escape(preset.name)}">'
        f"{'As in the paper' if preset.published else 'Recommended'}</button>"
        f"<small>{escape(preset.label)}</small></li>"
        for preset in chosen
    )
    return f'<ul class="sp-presets" aria-label="Settings to begin with">{lines}</ul>'


def preset(name: str | None) -> Preset | None:
    """The preset of this name."""
    return next((preset for preset in find_presets.PRESETS if preset.name == name), None)
