"""A bundled page from a disk, in a browser without a network: search, filters, order, plots, phone, hostile texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from visiting import SLACK, TIMEOUT

from playground.services.bundle import part_of, write
from playground.services.scan import Cell, Group, ScanRequest, ScanResult

HOSTILE = '</script><img src="https://example.com/x"><b>bold</b>'


def scan(vectors: int, prompts: tuple[str, ...] = ("Hello?", "Bye?")) -> ScanResult:
    def cell(row: int | None, sign: int, prompt: int) -> Cell:
        text = f"plain words {prompt}" if row is None else f"vector {row} says {'yes' if sign > 0 else 'no'}"
        noise = row is not None and row % 10 == 9
        return Cell(
            "" if row is None else f"big#{row}@{sign}", row, sign, 0.5, 4.0, prompt, 0, HOSTILE if row == 0 else text,
            (), True, float(row or 0) % 7, 0.1, 2.0, noise, 0.0 if row is None else 0.5 + (row % 5) / 10,
        )  # fmt: skip

    many = range(len(prompts))
    cells = tuple(cell(row, sign, prompt) for prompt in many for row in range(vectors) for sign in (1, -1))
    return ScanResult(
        request=ScanRequest(source="big", signs=(1, -1), scales=(0.5,), prompts=prompts), model="tiny",
        fingerprint="f" * 16, dtype="float32", layer=3, residual_norm=8.0, set_hash="ab", planned=len(cells),
        warnings=(), versions={"torch": "2"}, created="2026-01-01T00:00:00+00:00", cells=cells,
        baselines=tuple(cell(None, 1, prompt) for prompt in many), groups=(Group("all", tuple(range(len(cells)))),),
    )  # fmt: skip


@pytest.fixture
def opened(chromium: BrowserContext, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a result as a file, offline. Fails for console errors and for requests beside the folder."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def show(result: ScanResult, width: int = 1280, scheme: str = "light") -> Page:
        browser = chromium.browser
        assert browser is not None
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True  # type: ignore[arg-type]
        )
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or wrong.append(asked.url))
        page.goto(write([part_of(result)], tmp_path / "page").as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def test_three_thousand_texts_are_searched_filtered_sorted_and_drawn_from_a_file(opened):
    page = opened(replace(scan(1500, ("Hello?",))))
    said, rows = page.get_by_role("status"), page.locator("tbody tr")
    expect(said).to_have_text("1–50 of 2,700 texts of 3,000 · 300 of noise hidden")
    expect(rows).to_have_count(50)
    expect(page.locator(".js-plotly-plot .points path").first).to_be_attached()
    page.keyboard.press("/")
    page.keyboard.type("VECTOR 1234 says")
    expect(said).to_have_text("2 texts of 3,000")
    page.get_by_label("sign", exact=True).select_option("−")
    expect(rows).to_have_count(1)
    expect(rows.locator(".model")).to_have_text("vector 1234 says no")
    expect(rows.locator(".signed")).to_have_text("−1234")
    page.get_by_label("sign", exact=True).select_option("all")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("show noise").check()
    expect(said).to_have_text("1–50 of 3,000 texts")
    page.get_by_role("button", name="KL", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("KL")
    assert {one.inner_text() for one in page.locator("tbody td[data-title=KL]").all()} == {"6"}
    page.get_by_role("button", name="later").click()
    expect(said).to_have_text("51–100 of 3,000 texts")
    took = page.evaluate(
        """() => { const field = document.querySelector("input[type=search]"), begun = performance.now();
        field.value = "says yes"; field.dispatchEvent(new Event("input")); return performance.now() - begun; }"""
    )
    assert took < 300 * SLACK, f"{took:.0f} ms for a search"


def test_a_row_opens_to_its_baseline_and_recipe_and_hostile_text_stays_text(opened):
    page = opened(scan(3))
    assert page.locator("b, main img").count() == 0
    expect(page.get_by_text(HOSTILE, exact=True).first).to_be_visible()
    page.get_by_label("prompt", exact=True).select_option("Bye?")
    page.get_by_label("vector", exact=True).select_option("2")
    page.get_by_role("button", name="the whole of this row").first.click()
    expect(page.locator("td.details")).to_contain_text("plain words 1")
    expect(page.locator("td.details")).to_contain_text("big#2@1")
    page.get_by_text("how to cite").click()
    expect(page.locator("pre")).to_contain_text("cff-version")
    assert page.locator("td .model").first.get_attribute("dir") == "auto"
    assert "mono" in page.locator("td .model").first.evaluate("one => getComputedStyle(one).fontFamily").lower()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(opened, scheme):
    page = opened(scan(3), width=390, scheme=scheme)
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("sort by", exact=True).select_option("KL")
    expect(page.locator("tbody tr").first).to_contain_text("vector 2")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (light == "rgb(245, 246, 248)") == (scheme == "light")
