"""First look at computed vectors: a generated text for every vector and sign, with star and name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.generate import GenerateRequest
from playground.ui.kit import defaults
from playground.ui.kit.markup import changed_words, empty, escape, escape_sentence
from playground.ui.widgets.vector_row import row_head, row_values

TOKENS = 32
"""New tokens a text: enough to see the effect."""
SIGNS = (1, -1)
MOST_CARDS = 48
"""Vectors shown at most: a thousand are slow to show, and nobody scrolls through them."""


def signed_rows(vector_set: VectorSet, count: int) -> dict[tuple[int, int], float]:
    """(row, sign) → the found scale, an absolute norm, for the first `count` rows.

    A row without a search for scales has UNKNOWN_SCALE; a sign without a found scale, where the vector makes noise or
    has no effect, is left out.
    """
    scales = {}
    for row in range(min(count, vector_set.rows)):
        for sign in SIGNS if bool(vector_set.vectors[row].any()) else ():
            window = vector_set.window(row, sign)
            if window is None:
                scales[row, sign] = defaults.UNKNOWN_SCALE * vector_set.origin.residual_norm
            elif window.found is not None:
                # Three digits of relative scale, as the sliders of Steer have.
                residual = vector_set.origin.residual_norm
                scales[row, sign] = float(f"{window.found / residual:.3g}") * residual
    return scales


def request_for(
    source: str, scales: Mapping[tuple[int, int], float], prompt: str, format: PromptFormat
) -> GenerateRequest:
    """The request for one greedy batch: the baseline, then the rows and signs of `scales` at these norms."""
    recipes = tuple(
        Recipe((Component(source, row=row, amount=sign * float(f"{scale:.5g}")),))
        for (row, sign), scale in scales.items()
    )
    return GenerateRequest(prompts=(prompt,), format=format, recipes=recipes, sampling=Sampling(max_new_tokens=TOKENS))


def looks_of(texts: Sequence[str], scales: Mapping[tuple[int, int], float]) -> tuple[str, dict[tuple[int, int], str]]:
    """(baseline, {(row, sign): text}) from the texts of `request_for`, in its order."""
    return texts[0], dict(zip(scales, texts[1:], strict=True))


def table(
    vector_set: VectorSet,
    looks: Mapping[tuple[int, int], str],
    baseline: str = "",
    prompt: str = "",
    scales: Mapping[tuple[int, int], float] | None = None,
) -> str:
    """One card a vector for the first MOST_CARDS: number, gain, star, name, and its texts in both signs.

    `scales` are the norms at which the texts were generated.
    """
    cards, shown = [], min(vector_set.rows, MOST_CARDS)
    gains, residual = row_values(vector_set), vector_set.origin.residual_norm
    for row in range(shown):
        note, gain = vector_set.notes[row], gains[row]
        lines = ""
        for sign in SIGNS:
            mark, kind = ("+", "plus") if sign > 0 else ("−", "minus")
            window, text = vector_set.window(row, sign), looks.get((row, sign))
            if text is None and (window is None or window.found is not None):
                continue
            scale = (scales or {}).get((row, sign))
            size = f'<span class="sp-lookscale">{scale / residual:.2g} r</span>' if scale and text is not None else ""
            if text is not None:
                body = f'<span class="sp-text" dir="auto">{changed_words(baseline, text)}</span>'
            elif window is not None and window.noise:
                body = '<span class="sp-empty sp-grow">noise: text breaks before it says anything else</span>'
            else:
                body = '<span class="sp-empty sp-grow">no effect at any scale that was tried</span>'
            lines += (
                f'<div class="sp-lookline"><b class="sp-sign sp-{kind}">{mark}{row}</b>{size}{body}'
                f'<button type="button" class="sp-small" data-act="steer" data-row="{row}" data-sign="{sign}" '
                f'aria-label="Steer with vector {row}, sign {mark}">steer</button></div>'
            )
        head = row_head(row, note.star, note.label, gain)
        if not lines:
            head = (
                f'<div class="sp-libraryrow">{head}<span class="sp-empty sp-grow"></span><button type="button" '
                f'class="sp-small" data-act="steer" data-row="{row}" data-sign="1" '
                f'aria-label="Steer with vector {row}">steer</button></div>'
            )
        cards.append(f'<div class="sp-look">{head}{lines}</div>')
    head = ""
    if prompt and looks:
        where = "at the found scales" if vector_set.scales_tried is not None else "at the scales shown"
        head = (
            f'<p class="sp-caption">“{escape_sentence(prompt)}”, both signs {where} (r: relative to the reference norm)'
            "</p>"
            f'<div class="sp-lookline sp-baseline-line"><b class="sp-sign">0</b>'
            f'<span class="sp-lookscale"></span><span class="sp-text" dir="auto">{escape(baseline)}</span></div>'
        )
    rest = ""
    if shown < vector_set.rows:
        rest = empty(f"The first {shown} of {vector_set.rows}; the Library has all of them once the set is saved.")
    return f'<div class="sp-looks">{head}{"".join(cards)}{rest}</div>'


WAITING = empty("A text for each vector and sign comes here after Compute, with a star and a name to give.")
