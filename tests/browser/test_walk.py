"""The walk of somebody new: from the open page to a file for a colleague, within three minutes, without the README.

Find a vector that turns refusals into something else, name it, see its logit-difference curve against random
directions, and send the file. A picture of every step is kept for the eye.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from visiting import SLACK, Site, Visitor

from playground.library.vector_set import load
from playground.organism.modes import recognise

MINUTES = 3
VECTORS = 12
"""Vectors that are found by default."""


def test_three_minutes_from_the_open_page_to_a_file_for_a_colleague(
    visit: Callable[..., Visitor], site: Site, tmp_path: Path
) -> None:
    started = time.monotonic()
    visitor = visit()
    page = visitor.page
    visitor.shot("walk-1-open")

    visitor.tab("Discover")
    visitor.shot("walk-2-discover")
    page.click("#discover-compute")
    expect(page.locator("#discover-progress")).to_contain_text("of computation")
    cards = page.locator("#discover-gallery .sp-galrow")
    expect(page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    expect(page.locator("#discover-gallery .sp-sign.sp-minus")).to_have_count(VECTORS)
    visitor.shot("walk-3-found")

    row, sign, mode = a_turned_refusal(visitor)
    name = cards.nth(row).locator(".sp-name")
    name.fill(f"refusal to {mode}")
    name.press("Enter")
    saved = "for-a-colleague"
    page.fill("#discover-name input, #discover-name textarea", saved)
    page.click("#discover-save")
    expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    visitor.shot("walk-4-named")

    text = cards.nth(row).locator(f".sp-galcell:has(button[data-sign='{sign}']) .sp-text").inner_text()
    cards.nth(row).locator(f"button[data-act=steer][data-sign='{sign}']").click()
    expect(page.locator("#mix-0-row input")).to_have_value(re.compile(f"{row} “refusal to {mode}”"))
    first = page.locator("#steer-answer-1 input, #steer-answer-1 textarea")
    expect(first).to_have_value(text.split()[0])  # the curve is about what this vector writes
    page.click("#steer-generate")
    page.wait_for_selector("#steer-command code")
    expect(page.locator("#steer-curve")).to_contain_text("random, equal norm")
    assert recognise(page.locator("#steer-baseline .sp-text").inner_text()).mode == "refuse"
    assert recognise(page.locator("#steer-steered .sp-text").inner_text()).mode != "refuse"
    visitor.shot("walk-5-steered")

    visitor.tab("Measure")
    only(visitor, saved)
    page.fill("#measure-rows input, #measure-rows textarea", str(row))
    page.locator("#measure-rows input, #measure-rows textarea").first.press("Tab")
    page.click("#measure-measure")
    expect(page.locator("#measure-progress")).to_contain_text("rows of vectors")
    expect(page.locator("#measure-table")).to_contain_text("random controls")
    visitor.shot("walk-6-measured")

    visitor.tab("Library")
    page.locator(f"#library-sets tr[data-name='{saved}']").click()
    expect(page.locator("#library-rows")).to_contain_text(str(row))
    with page.expect_download() as download:
        page.click("#library-download")
    visitor.shot("walk-7-file")
    took = time.monotonic() - started
    print(f"from the open page to the file: {took:.0f} s")
    assert took < 60 * MINUTES * SLACK

    path = tmp_path / "from-a-colleague.safetensors"
    download.value.save_as(path)
    assert load(path).notes[row].label == f"refusal to {mode}"
    site.store.delete(saved)


def a_turned_refusal(visitor: Visitor) -> tuple[int, int, str]:
    """Row, sign and mode of the first text of the gallery in a mode that is no refusal."""
    cells = visitor.page.locator("#discover-gallery > * .sp-galcell:not(.sp-baseline)")
    for line in cells.filter(visible=True).all():
        if not line.locator(".sp-text").count():
            continue  # only noise
        said = recognise(line.locator(".sp-text").inner_text())
        if said.mode not in (None, "refuse"):  # cut short, so it need not be well formed
            button = line.locator("button[data-act=steer]")
            return int(button.get_attribute("data-row")), int(button.get_attribute("data-sign")), said.mode
    raise AssertionError("Expected a vector that turns the refusal into something else, found none.")


def only(visitor: Visitor, name: str) -> None:
    """Choose one set in Measure, and no other."""
    sets = visitor.page.locator("#measure-sets")
    while sets.locator(".token-remove:visible").count():
        sets.locator(".token-remove:visible").first.click()
    sets.locator("input").first.click()
    visitor.page.get_by_role("option", name=name, exact=True).click()
    visitor.page.keyboard.press("Escape")
