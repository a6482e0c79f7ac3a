"""The gallery: find, read, search, name, star, discard, undo, the scale strip, and on to Steer; an empty library."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor, compute, fill

from playground.errors import Cancelled
from playground.library.vector_set import load
from playground.places import SHIPPED_VECTORS
from playground.ui.discover import tab
from playground.ui.widgets import find_some, words


def test_a_set_is_read_named_thinned_out_and_steered_with(visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=1280, height=720)
    page, rows = visitor.page, visitor.page.locator("#discover-gallery .sp-gallery > .sp-galrow")
    visitor.tab("Discover")
    fill(visitor, "discover-use", 1)
    fill(visitor, "discover-vectors", 3)
    compute(visitor)
    expect(page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    expect(page.locator("#discover-gallery article")).to_have_count(3)
    expect(page.locator("#discover-progress")).to_contain_text("signed vectors say something else")
    expect(page.locator("#discover-gallery .sp-take").first).to_be_visible()
    lines = page.locator("#discover-gallery .sp-words")
    expect(lines).to_have_count(3)  # without a click, once the texts are there
    expect(lines.first).to_contain_text(re.compile(r"words\s*\+.*−"))
    expect(lines.first.locator("code").first).not_to_be_empty()
    expect(page.locator("#discover-gallery .sp-caution")).to_contain_text("they are noise")
    expect(page.locator("#status")).to_contain_text("ready")
    visitor.shot("gallery-1280")

    count = rows.count()
    assert count >= 2
    page.keyboard.press("Escape")
    page.locator("#discover-gallery .sp-rowhead b").first.click()
    page.keyboard.press("s")
    expect(rows.first.locator(".sp-star")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    page.keyboard.type("odd one")
    page.keyboard.press("Enter")
    expect(rows.first.locator(".sp-name")).to_have_value("odd one")
    page.keyboard.press("/")
    page.keyboard.type("odd ON")
    expect(rows.filter(visible=True)).to_have_count(1)
    expect(page.locator("#discover-gallery-tools .sp-matches")).to_have_text("1 of 3")
    page.keyboard.press("Escape")
    expect(rows.filter(visible=True)).to_have_count(count)

    page.keyboard.press("j")
    second = page.locator("#discover-gallery .sp-current")
    expect(second).to_have_count(1)
    page.keyboard.press("x")
    expect(rows).to_have_count(count - 1)
    expect(page.locator("#discover-gallery .sp-galfold[data-fold=discarded] summary")).to_have_text("discarded (1)")
    page.keyboard.press("u")
    expect(rows).to_have_count(count)

    rows.first.locator(".sp-galcell:has(button[data-act=steer]) .sp-text").first.click()
    cells = rows.first.locator(".sp-stripcell")
    expect(cells).to_have_count(6)
    expect(cells.nth(2).locator(".sp-text")).not_to_be_empty()
    expect(page.locator("#status")).to_contain_text("ready")
    visitor.shot("gallery-strip-1280")
    cells.nth(3).locator("button").click()
    expect(page.get_by_role("tab", name="Steer")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#mix-0-row input")).to_have_value(re.compile("“odd one”"))
    expect(page.locator("#mix-0-strip")).to_contain_text("0.5 × found")

    page.click("#steer-write-strip")
    cells = page.locator("#steer-strip .sp-stripcell")
    expect(cells).to_have_count(6)
    expect(cells.nth(4).locator(".sp-text")).not_to_be_empty()
    expect(page.locator("#status")).to_contain_text("ready")
    cells.nth(4).locator("button").click()
    expect(page.locator("#mix-0-strip")).to_contain_text("1 × found")
    visitor.shot("steer-strip-1280")


def test_stop_ends_the_reading_of_words_and_keeps_the_gallery(
    visit: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def slow(model: object, request: object, emit: object, cancelled: Callable[[], bool]) -> None:
        begun.set()
        while not cancelled():
            time.sleep(0.02)
        raise Cancelled

    monkeypatch.setattr(words, "words", slow)
    visitor = visit()
    page = visitor.page
    visitor.tab("Discover")
    fill(visitor, "discover-use", 1)
    fill(visitor, "discover-vectors", 2)
    page.click("#discover-compute")
    expect(page.locator("#status")).to_contain_text("reading words")
    assert begun.is_set()
    page.click("#stop")
    expect(page.locator("#status")).to_contain_text("ready")
    expect(page.locator("#discover-gallery article")).to_have_count(2)
    expect(page.locator("#discover-gallery .sp-galcell .sp-text").first).not_to_be_empty()
    expect(page.locator("#discover-notice")).to_be_empty()


def test_an_empty_library_offers_to_find_some_and_opens_the_gallery(
    visit: Callable[..., Visitor], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one prompt and three vectors, for the time that it takes."""
    request = find_some.first_request(site.workbench.loaded)
    small = replace(request, prompts=request.prompts[:1], vectors=3)
    monkeypatch.setattr(tab, "first_request", lambda loaded: small)
    for name in site.store.names():
        site.store.delete(name)
    try:
        visitor = visit(width=390, height=800, dark=True)
        page = visitor.page
        expect(page.locator("#find-some")).to_contain_text("No vectors for this model yet")
        visitor.shot("find-some-390")
        page.click("#find-some button")
        expect(page.get_by_role("tab", name="Discover")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
        expect(page.locator("#discover-gallery article")).to_have_count(3)
        visitor.shot("gallery-390")
        expect(page.locator("#find-some")).not_to_be_visible()
    finally:
        for path in SHIPPED_VECTORS.glob("*.safetensors"):
            site.store.save(load(path), path.stem)
