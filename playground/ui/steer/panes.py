"""Generated texts side by side as HTML: baseline, steered, negative, random; one row of cells a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.services.token_kl import TokenKl
from playground.ui.kit.markup import changed_words, empty, escape, numbers_link

TITLES = {"baseline": "Baseline", "steered": "Steered", "negative": "− mix", "random": "Random"}
WAITING = {
    "baseline": "Generate writes here what the model says by itself.",
    "steered": "Generate writes here what it says with the mix added, changed words in colour.",
    "negative": "Generate writes here what it says with the mix the other way.",
    "random": "Generate writes here what it says with a random push, as large as the mix and at the same layers.",
}
FULL_COLOUR = 3.0
"""KL in nats from which on a token has the full colour: the steered distribution then has little of the baseline's."""


@dataclass(frozen=True)
class Pane:
    """One column. `kind` is a key of TITLES; `kl` are the tokens of each text with their KL, or ()."""

    kind: str
    texts: tuple[str, ...] = ()
    detail: str = ""
    kl: tuple[tuple[TokenKl, ...], ...] = ()


def grid(panes: Sequence[Pane], streaming: bool = False, turns: bool = False) -> str:
    """The panes side by side; the first one is the baseline that the others are compared with.

    With `turns` every finished text has a button that makes it the assistant's turn. Each pane spans as many grid rows
    as there are samples, so that the texts of one sample begin at one height.
    """
    lines = max([len(pane.texts) for pane in panes] + [1]) + 1
    against = panes[0].texts
    drawn = "".join(_pane(pane, () if pane is panes[0] else against, lines, streaming, turns) for pane in panes)
    return f'<div class="sp-panegrid" style="--panes:{len(panes)}">{drawn}</div>{_legend(panes)}'


def waiting(kinds: Sequence[str]) -> str:
    """Empty panes."""
    return grid([Pane(kind) for kind in kinds])


def _pane(pane: Pane, against: Sequence[str], lines: int, streaming: bool, turns: bool) -> str:
    title = TITLES[pane.kind]
    head = f'<header><h3>{title}</h3><span class="sp-detail" title="{escape(pane.detail)}">{escape(pane.detail)}</span>'
    if pane.texts and not streaming:
        whole = "\n\n".join(pane.texts)
        head += (
            f'<button type="button" class="sp-small" data-copy="{escape(whole)}" '
            f'aria-label="Copy the text of {title}">copy</button>'
        )
    head += "</header>"
    blocks = [_block(pane, index, against, streaming, turns) for index in range(len(pane.texts))]
    body = "".join(blocks) or empty(WAITING[pane.kind])
    return (
        f'<section id="steer-{pane.kind}" class="sp-pane sp-{pane.kind}" aria-label="{title}" '
        f'style="grid-row:span {lines}">{head}{body}</section>'
    )


def _block(pane: Pane, index: int, against: Sequence[str], streaming: bool, turns: bool) -> str:
    text = pane.texts[index]
    if pane.kl:
        body = "".join(map(_shaded, pane.kl[index]))
    elif index < len(against):
        body = changed_words(against[index], text)
    else:
        body = escape(text)
    caret = '<span class="sp-caret" aria-hidden="true"></span>' if streaming else ""
    number = f'<span class="sp-sample">sample {index + 1}</span>' if len(pane.texts) > 1 else ""
    more = ""
    if turns and not streaming and text.strip():
        more = (
            f'<button type="button" class="sp-small sp-turn" data-act="turn" data-pane="{pane.kind}" '
            f'data-sample="{index}" title="Take this as the assistant\'s turn and write the user\'s next one" '
            f'aria-label="Go on from this answer of {TITLES[pane.kind]}">continue chat from this</button>'
        )
    return f'<div class="sp-block">{number}<div class="sp-text">{body}{caret}</div>{more}</div>'


def _shaded(token: TokenKl) -> str:
    share = min(token.kl / FULL_COLOUR, 1.0)
    shown = escape(token.text)
    return f'<span class="sp-heat" style="--heat:{share:.2f}" title="{token.kl:.2f} nats">{shown}</span>'


def _legend(panes: Sequence[Pane]) -> str:
    """Legend of the colours and a link to their numbers; nothing without colours."""
    rows = [
        (TITLES[pane.kind], sample + 1, place, token.text, f"{token.kl:.6g}")
        for pane in panes
        for sample, tokens in enumerate(pane.kl)
        for place, token in enumerate(tokens)
    ]
    if not rows:
        return ""
    return (
        '<div class="sp-heatlegend"><span>KL(steered ‖ baseline) where each token was chosen, given the text before '
        f'it:</span><span>0</span><i aria-hidden="true"></i><span>{FULL_COLOUR:g} nats and more</span>'
        f"{numbers_link('token-kl', ('pane', 'sample', 'place', 'token', 'kl'), rows)}</div>"
    )
