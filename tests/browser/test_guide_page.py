"""The first minute: it starts from texts that are there, leads to slider, Generate and Discover, and can be skipped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor

from playground.organism.modes import recognise
from playground.services import recent


def current(visitor: Visitor) -> str:
    return visitor.page.locator("#guide li:visible").inner_text()


def test_texts_stand_there_before_anything_is_written(visit: Callable[..., Visitor], site: Site) -> None:
    recent.RUNS.clear()
    visitor = visit(width=1280, height=720)
    assert recognise(visitor.page.locator("#steer-baseline .sp-text").inner_text()).mode == "refuse"
    assert visitor.page.locator("#steer-steered .sp-text").inner_text().startswith("class ")
    expect(visitor.page.locator("#steer-strip .sp-stripcell")).to_have_count(6)
    assert "GenerateRequest" not in [run.kind for run in recent.RUNS]


def test_the_first_minute_leads_from_the_texts_to_discover(visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=1280, height=720)
    page = visitor.page
    guide = page.locator("#guide .sp-guide")
    expect(guide).to_contain_text("1 of 4")
    expect(page.locator("#steer-panes.sp-pointed")).to_be_visible()
    guide.get_by_role("button", name="Next").click()
    expect(guide).to_contain_text("2 of 4")
    slider = page.locator("#mix-0-scale input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    expect(guide).to_contain_text("3 of 4")
    page.click("#steer-generate")
    page.wait_for_selector("#steer-command code")
    expect(guide).to_contain_text("4 of 4")
    guide.get_by_role("button", name="Open Discover").click()
    expect(page.get_by_role("tab", name="Discover")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".sp-pointed")).to_have_count(0)
    page.reload()
    page.wait_for_selector("body:not([inert]) #tabs")  # on the tab that the address names
    visitor.tab("Steer")
    expect(guide).to_be_hidden()


def test_it_can_be_skipped_and_asked_for_again(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.page.get_by_role("button", name="Skip", exact=True).click()
    expect(visitor.page.locator("#guide .sp-guide")).to_be_hidden()
    visitor.page.click("#about-open")
    about = visitor.page.locator("#about .sp-about")
    for said in ("Power steering", "transformers", "cff-version", "Shift+Enter"):
        expect(about).to_contain_text(said)
    about.get_by_role("button", name="First minute again").click()
    assert "refusal" in current(visitor)


def test_who_goes_ahead_is_not_held_back(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    guide = visitor.page.locator("#guide .sp-guide")
    visitor.page.click("#steer-generate")
    expect(guide).to_contain_text("4 of 4")
    visitor.tab("Discover")
    visitor.tab("Steer")
    expect(guide).to_be_hidden()


@pytest.mark.parametrize("name", ["refusal → Spanish", "refusal → alien"])
def test_a_preset_shows_its_texts_at_once(visit: Callable[..., Visitor], name: str) -> None:
    visitor = visit()
    recent.RUNS.clear()
    visitor.page.get_by_role("button", name=name, exact=True).click()
    mode = name.rpartition(" ")[2].lower()
    visitor.page.wait_for_function(
        "(mode) => document.querySelector('#steer-steered .sp-text')?.textContent.startsWith(mode)",
        arg={"spanish": "Primero", "alien": "Greetings"}[mode],
    )
    assert "GenerateRequest" not in [run.kind for run in recent.RUNS]
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")
    assert recognise(visitor.page.locator("#steer-steered .sp-text").inner_text()).mode == mode
