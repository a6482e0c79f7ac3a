"""The first look at what was found: a text for every vector and sign, with a star and a name beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.model.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.generate import GenerateRequest
from playground.ui.markup import changed_words, empty, escape

TOKENS = 32
"""New tokens a text: enough to see which way it went."""
SIGNS = (1, -1)
MOST_CARDS = 48
"""Cards shown: nobody scrolls through a thousand, and a browser takes its time over them."""


def request_for(
    vector_set: VectorSet, source: str, prompt: str, format: PromptFormat, count: int, scale: float
) -> GenerateRequest:
    """Both signs of the first `count` rows at relative scale `scale`, one batch, the baseline first, greedy."""
    amount = float(f"{scale * vector_set.origin.residual_norm:.5g}")
    recipes = tuple(
        Recipe((Component(source, row=row, amount=sign * amount),))
        for row in range(min(count, vector_set.rows))
        for sign in SIGNS
    )
    return GenerateRequest(prompts=(prompt,), format=format, recipes=recipes, sampling=Sampling(max_new_tokens=TOKENS))


def looks_of(texts: Sequence[str]) -> tuple[str, dict[tuple[int, int], str]]:
    """(baseline, {(row, sign): text}) from the texts of `request_for`, in its order."""
    pairs = {(index // 2, SIGNS[index % 2]): text for index, text in enumerate(texts[1:])}
    return texts[0], pairs


def table(
    vector_set: VectorSet,
    looks: Mapping[tuple[int, int], str],
    baseline: str = "",
    prompt: str = "",
    scale: float = 0.0,
) -> str:
    """One card a vector: number, gain, star, name; below it what it does with either sign. Of a large set the first."""
    cards, shown = [], min(vector_set.rows, MOST_CARDS)
    gains = row_values(vector_set)
    for row in range(shown):
        note, gain = vector_set.notes[row], gains[row]
        lines = ""
        for sign in SIGNS:
            if (row, sign) not in looks:
                continue
            mark, kind = ("+", "plus") if sign > 0 else ("−", "minus")
            lines += (
                f'<div class="sp-lookline"><b class="sp-sign sp-{kind}">{mark}{row}</b>'
                f'<span class="sp-text">{changed_words(baseline, looks[row, sign])}</span>'
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
        head = (
            f'<p class="sp-caption">“{escape(prompt)}” at relative scale ±{scale:g}</p>'
            f'<div class="sp-lookline sp-baseline-line"><b class="sp-sign">0</b>'
            f'<span class="sp-text">{escape(baseline)}</span></div>'
        )
    rest = ""
    if shown < vector_set.rows:
        rest = empty(f"The first {shown} of {vector_set.rows}; the Library has all of them once the set is saved.")
    return f'<div class="sp-looks">{head}{"".join(cards)}{rest}</div>'


def row_values(vector_set: VectorSet) -> list[str]:
    """What the method says of every row, in a few characters: gain, displacement, effect left, or else its norm."""
    if vector_set.singular_values is not None:
        return [f"σ {value:.3g}" for value in vector_set.singular_values.tolist()]
    if vector_set.effects is not None:
        return [f"effect {100 * value:.0f} %" for value in vector_set.effects.tolist()]
    if vector_set.displacements is not None:
        return [f"moves {value:.3g}" for value in vector_set.displacements.tolist()]
    return [f"norm {value:.3g}" for value in vector_set.native_norms.tolist()]


def row_head(row: int, star: bool, label: str, gain: str) -> str:
    """Number, gain, star and name of a row; star and name report through `act`."""
    pressed = "true" if star else "false"
    return (
        f'<div class="sp-rowhead"><b>{row}</b><span class="sp-gain">{escape(gain)}</span>'
        f'<button type="button" class="sp-star" data-act="star" data-row="{row}" aria-pressed="{pressed}" '
        f'aria-label="Star vector {row}">{"★" if star else "☆"}</button>'
        f'<input class="sp-name" data-act="label" data-row="{row}" value="{escape(label)}" maxlength="120" '
        f'placeholder="name it" aria-label="Name of vector {row}"></div>'
    )


WAITING = empty("A text for each vector and sign comes here after Compute, with a star and a name to give.")
