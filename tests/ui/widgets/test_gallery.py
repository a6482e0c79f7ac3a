"""The gallery's rows: what is folded, what a strip shows, and that texts and names are data."""

from __future__ import annotations

import re

import torch

from playground.library.origin import Origin, RowNote, now
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.services.gallery import Gallery, GalleryText
from playground.services.strip import strip_of
from playground.ui.widgets.gallery import Shown, gallery_html
from playground.ui.widgets.scale_strip import multiple_text, strip_html

HOSTILE = '"><img src=x onerror=alert(1)>'
FOUND, NOISE = ScaleWindow(0.1, 1.0, 0.4, 3.2), ScaleWindow(None, 0.1, None, 3.2)
NOTHING = ScaleWindow(None, None, None, 3.2)


def vectors(**windows: object) -> VectorSet:
    origin = Origin(
        model="tiny", width=4, block_count=4, source=1, target=3, method="power", residual_norm=2.0, created=now()
    )
    return VectorSet(torch.eye(4), origin, name="a")


def shown(texts: dict[tuple[int, int], str], noise: bool = False, baseline: str = "plain words", **more) -> Shown:
    written = {place: GalleryText(0.4, text, noise) for place, text in texts.items()}
    return Shown(Gallery(baseline, written, 1.0), "a prompt", **more)


def folded(html: str) -> dict[str, list[int]]:
    """Rows in each fold, "" for those outside."""
    parts = re.split(r'<details class="sp-galfold" data-fold="([^"]*)">', html)
    places = {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))
    rows = re.compile(r'<article[^>]*data-row="(\d+)"')
    return {name: [int(row) for row in rows.findall(part)] for name, part in places.items()}


def test_rows_without_a_text_in_either_sign_are_folded_with_their_number() -> None:
    scaled = vectors().with_windows(
        {(0, 1): FOUND, (0, -1): NOISE, (1, 1): NOISE, (1, -1): NOTHING, (2, 1): FOUND, (2, -1): NOISE}
    )
    html = gallery_html(scaled, shown({(0, 1): "says this"}))
    assert folded(html)[""] == [0, 2, 3]
    assert folded(html)["noise folded"] == [1]
    assert "noise folded (1)" in html
    html = gallery_html(scaled, shown({(0, 1): "a a a", (2, 1): "a a a"}, noise=True))
    assert folded(html)["noise folded"] == [0, 1, 2]


def test_a_discarded_row_leaves_and_undo_is_offered() -> None:
    noted = vectors().with_note(1, RowNote(discarded=True, label=HOSTILE))
    html = gallery_html(noted, shown({}, discarded=1))
    assert folded(html) == {"": [0, 2, 3], "discarded": [1]}
    assert re.search(r'class="sp-notice sp-info sp-undo".*data-act="discard" data-row="1" data-value="false"', html)
    assert "<img" not in html


def test_texts_names_and_prompts_are_data() -> None:
    noted = vectors().with_note(0, RowNote(label=HOSTILE))
    strip = strip_of(noted, 1).written([HOSTILE] * 6)
    page = shown({(0, 1): HOSTILE, (1, -1): HOSTILE}, baseline=HOSTILE, names={1: HOSTILE}, strips={1: strip})
    html = gallery_html(noted, page)
    assert "<img" not in html
    assert html.count("&gt;") >= 9  # each of them is there, as text


def test_a_suggested_name_can_be_taken_until_there_is_one() -> None:
    page = shown({(0, 1): "says this"}, names={0: "code", 1: "verse"})
    html = gallery_html(vectors().with_note(1, RowNote(label="mine")), page)
    assert 'data-row="0" data-value="code"' in html
    assert 'placeholder="code"' in html
    assert 'data-value="verse"' not in html


def test_a_strip_has_six_cells_the_baseline_in_its_place_and_marks_what_differs() -> None:
    scaled = vectors().with_windows({(0, 1): FOUND, (0, -1): FOUND})
    strip = strip_of(scaled, 0).written(["the plain words", "no words", "the words", "some words", "more words", ""])
    html = strip_html(strip, 2.0, 0, "steer", "Open in Steer")
    titles = re.findall(r'aria-label="Open in Steer: ([^"]*)"', html)
    assert titles == ["−1 f", "−½ f", "baseline", "½ f", "1 f", "1½ f"]
    assert re.findall(r"<small>([^<]*)</small>", html) == ["−0.2 r", "−0.1 r", "", "0.1 r", "0.2 r", "0.3 r"]
    assert html.index("no words"[3:]) < html.index("the plain words")
    assert "(ends at once)" in html
    assert 'data-multiple="-0.5"' in html


def test_multiples_are_written_with_a_minus_sign_and_a_half() -> None:
    assert [multiple_text(value) for value in (-1.0, -0.5, 0.5, 1.5)] == ["−1", "−½", "½", "1½"]
