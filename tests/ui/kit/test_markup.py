"""Model text, prompts and names are data: nothing of them becomes markup."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.ui.kit import markup

HOSTILE = "<img src=x onerror=alert(1)>\"'&</section><script>alert(2)</script>"


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.mark.parametrize(
    "made",
    [
        markup.notice(HOSTILE),
        markup.command(HOSTILE),
        markup.token_shifts([(HOSTILE, 0.5, 0.25)], 0.1),
        markup.prompt_preview([HOSTILE] * 6, 6, HOSTILE),
        markup.chips([(HOSTILE, HOSTILE)]),
        markup.facts([(HOSTILE, HOSTILE)]),
        markup.scale_strip(1.5, HOSTILE, (-0.5, 0.5), (0.7,), (1.0, None)),
        markup.numbers_link(HOSTILE, [HOSTILE], [[HOSTILE]]),
    ],
)
def test_nothing_a_model_or_visitor_writes_becomes_markup(made: str) -> None:
    tags = set(_Tags(made).tags)
    assert not tags & {"img", "script"}


@given(st.text(max_size=60), st.text(max_size=60))
def test_changed_words_keep_the_steered_text_as_it_is(baseline: str, steered: str) -> None:
    marked = markup.changed_words(baseline, steered)
    assert html.unescape(re.sub(r"</?mark[^>]*>", "", marked)) == steered


def test_only_words_that_differ_are_marked() -> None:
    assert markup.changed_words("I can help", "I cannot help") == 'I <mark class="sp-changed">cannot</mark> help'
    assert "mark" not in markup.changed_words("the same words", "the same words")


def test_a_notice_is_one_sentence() -> None:
    said = _Tags(markup.notice("expected a prompt, got none; type one")).said
    assert said == "Expected a prompt, got none; type one."
    assert markup.notice("") == ""


def test_token_bars_are_as_long_as_their_probabilities() -> None:
    made = markup.token_shifts([(" class", 0.125, 0.75)], 3.1)
    assert re.findall(r"width:([\d.]+)%", made) == ["12.5", "75.0"]
    assert "KL(steered ‖ baseline)" in made
    assert "·class" in made


def test_numbers_of_a_plot_come_as_csv() -> None:
    made = markup.numbers_link("curve", ("x", "y"), [(1, "a,b")])
    data = html.unescape(re.search(r'data-csv="([^"]*)"', made)[1])
    assert data == 'x,y\n1,"a,b"\n'


@pytest.mark.parametrize("shown", [markup.notice, markup.run_line, markup.empty])
def test_a_name_does_not_turn_round_the_sentence_it_stands_in(shown: Callable[[str], str]) -> None:
    said = shown("Expected a set, got “\u202egnp.exe\u2066”; choose another one.")
    assert r"“\u202egnp.exe\u2066”; choose another one." in _Tags(said).said
