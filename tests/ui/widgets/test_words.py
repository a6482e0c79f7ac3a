"""The line of words under a vector: both signs, and tokens as data."""

from __future__ import annotations

from playground.services.words import SetWords, Word
from playground.ui.kit.markup import visible_token
from playground.ui.library import tables
from playground.ui.widgets.gallery import gallery_html
from playground.ui.widgets.words import LONG, caution, words_line
from tests.ui.widgets.test_gallery import HOSTILE, shown, vectors


def found(*texts: str) -> SetWords:
    return SetWords({(0, 1): tuple(Word(0, text, 1.0, 0.1) for text in texts), (0, -1): ()}, 1)


def test_both_signs_are_named_and_a_side_without_words_says_so() -> None:
    line = words_line(found(" red", "blue"), 0)
    assert '<b class="sp-sign sp-plus">+</b> <code>·red</code>, <code>blue</code>' in line
    assert '<b class="sp-sign sp-minus">−</b> none beyond chance' in line
    assert words_line(None, 0) == words_line(found("red"), 1) == ""


def test_tokens_are_escaped_and_what_cannot_be_seen_is_written_out() -> None:
    line = words_line(found('<img src=x onerror="1">', "a\nb\tc", "\x00\x1b[0m", "\u202eevil", "", "-" * 100), 0)
    assert "<img" not in line
    assert "&lt;img·src=x·onerror=" in line
    assert "a↵b⇥c" in line
    assert "\\u0000\\u001b[0m" in line
    assert "\\u202eevil" in line
    assert "<code>∅</code>" in line
    assert f"<code>{'-' * (LONG - 1)}…</code>" in line
    assert visible_token("\u200b\r\xa0") == "\\u200b\\u000d\\u00a0"


def test_gallery_and_library_show_the_words_and_where_they_are_weak() -> None:
    said = found("red", HOSTILE)
    html = gallery_html(vectors(), shown({(0, 1): "text"}, words=said))
    assert html.count('class="sp-words"') == 1
    assert html.count("sp-caution") == 1
    assert "to first order at 1 prompt" in html
    assert "noise" in caution(said)
    assert "<img" not in html
    assert 'class="sp-words"' in tables.rows(vectors(), words=said)
    assert 'class="sp-words"' not in gallery_html(vectors(), shown({(0, 1): "text"})) + tables.rows(vectors())
