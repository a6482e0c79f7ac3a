"""The first minute: a card in Steer that leads from the texts that are there to the slider, Generate and Discover.

Shown where the page opens on kept texts, until it was skipped or finished in this browser (guide.js).
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "First minute"


@dataclass(frozen=True)
class Step:
    """One step. `about`: selector of what it is about, which is outlined; using it leads on."""

    text: str
    about: str


STEPS = (
    Step(
        "Baseline is what the model says by itself: a refusal. Steered is its answer to the same prompt with one "
        "vector added to the residual stream. Nothing else differs.",
        "#steer-panes",
    ),
    Step("Drag the slider: to 0, and to the other side. The plots below follow at once.", "#mix-0-scale"),
    Step(
        "Generate writes at that scale. The strip under the texts holds six scales of this vector.", "#steer-generate"
    ),
    Step(
        "This page computed the vector, on eight prompts, in seconds. Discover finds others.",
        "#tabs [data-tab-id=discover]",
    ),
)


def card() -> str:
    """The card as HTML, hidden until the script shows a step."""
    steps = "".join(f'<li hidden data-about="{step.about}">{step.text}</li>' for step in STEPS)
    return (
        f'<section class="sp-guide" aria-label="{TITLE}" hidden><b>{TITLE} <span></span></b><ol>{steps}</ol><div>'
        '<button type="button" class="sp-small" data-guide="next">Next</button>'
        '<button type="button" class="sp-small" data-guide="end">Skip</button></div></section>'
    )
