"""Texts side by side: nothing a model writes becomes markup, and shades keep the text as it is."""

from __future__ import annotations

import html
import re

from playground.services.token_kl import TokenKl
from playground.ui.steer import panes
from playground.ui.steer.panes import Pane

HOSTILE = "<img src=x onerror=alert(1)>\"'&</section><script>alert(2)</script>"


def plain(made: str, kind: str) -> list[str]:
    """The texts of one pane, as a visitor reads them."""
    section = re.search(rf'<section id="steer-{kind}".*?</section>', made, re.DOTALL)
    found = re.findall(r'<div class="sp-text">(.*?)</div>', section[0], re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]*>", "", text)) for text in found]


def test_what_a_model_writes_stays_text_in_every_pane() -> None:
    kl = ((TokenKl(HOSTILE, 1.0),),)
    shown = [Pane("baseline", (HOSTILE,)), Pane("steered", (HOSTILE,), HOSTILE), Pane("random", (HOSTILE,), kl=kl)]
    made = panes.grid(shown, turns=True)
    assert "<img" not in made
    assert "<script" not in made
    assert [plain(made, kind) for kind in ("baseline", "steered", "random")] == [[HOSTILE]] * 3


def test_words_are_compared_with_the_baseline_of_the_same_sample() -> None:
    shown = [Pane("baseline", ("one two", "three")), Pane("steered", ("one 2", "three")), Pane("negative", ("x", "y"))]
    made = panes.grid(shown)
    assert re.findall(r"<mark[^>]*>([^<]*)", made) == ["2", "x", "y"]
    assert "mark" not in made[: made.index("steer-steered")]


def test_every_pane_has_a_line_for_every_sample() -> None:
    made = panes.grid([Pane("baseline", ("a", "b", "c")), Pane("steered", ("a", "b", "c"))])
    assert made.count("grid-row:span 4") == 2
    assert "--panes:2" in made


def test_shades_grow_with_the_divergence_and_say_it_in_nats() -> None:
    kl = ((TokenKl("a", 0.0), TokenKl(" b", panes.FULL_COLOUR / 2), TokenKl(" c", 99.0)),)
    made = panes.grid([Pane("baseline", ("a b c",)), Pane("steered", ("a b c",), kl=kl)])
    assert re.findall(r"--heat:([0-9.]+)", made) == ["0.00", "0.50", "1.00"]
    assert 'title="99.00 nats"' in made
    assert plain(made, "steered") == ["a b c"]
    assert "sp-heatlegend" in made
    assert "Steered,1,2, c,99" in html.unescape(made)


def test_there_is_no_legend_without_shades_and_no_turn_while_text_streams() -> None:
    shown = [Pane("baseline", ("a",)), Pane("steered", ("b",))]
    assert "sp-heatlegend" not in panes.grid(shown)
    assert "continue chat from this" not in panes.grid(shown, streaming=True, turns=True)
    assert panes.grid(shown, turns=True).count("continue chat from this") == 2


def test_panes_without_text_say_what_will_fill_them() -> None:
    made = panes.waiting(tuple(panes.TITLES))
    assert made.count("Generate writes here") == len(panes.TITLES)
