"""What stays in sight: header, tabs and action bar; forms that fit a laptop; one Stop; words that are whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import clipped
from playwright.sync_api import expect
from visiting import Visitor, fill

TABS = ("Steer", "Discover", "Scan", "Measure", "Atlas", "Library")
PRIMARY = dict(zip(TABS, ("generate", "compute", "run", "measure", "compute", "open"), strict=True))
TALLEST = 620


@pytest.fixture
def laptop(visit: Callable[..., Visitor]) -> Visitor:
    return visit(width=1280, height=720)


def within(visitor: Visitor, element: str) -> bool:
    """Whether all of an element is in the window."""
    box = visitor.page.locator(element).bounding_box()
    size = visitor.page.viewport_size
    assert box is not None
    assert size is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("name", TABS)
def test_header_and_button_are_in_sight_wherever_the_page_is_scrolled_to(laptop: Visitor, name: str) -> None:
    laptop.tab(name)
    button = f"#{name.lower()}-{PRIMARY[name]}"
    expect(laptop.page.locator(button)).to_be_visible()
    assert within(laptop, button)
    laptop.page.evaluate("document.getElementById('tabs').style.minHeight = '3000px'; window.scrollTo(0, 400)")
    laptop.page.wait_for_timeout(200)
    assert within(laptop, "#stop")
    assert within(laptop, "#model-strip > button")
    assert within(laptop, "#tabs [role=tab][aria-selected=true]")


@pytest.mark.parametrize("name", TABS)
def test_forms_fit_and_no_word_is_cut(laptop: Visitor, name: str) -> None:
    laptop.tab(name)
    laptop.page.wait_for_timeout(800)
    height = laptop.page.evaluate(
        "() => [...document.querySelectorAll('.sp-controls')].find((each) => each.offsetParent).offsetHeight"
    )
    assert height <= TALLEST
    assert clipped(laptop.page) == []


def test_stop_is_there_while_something_runs_and_the_bar_shows_how_far(laptop: Visitor) -> None:
    page, stop = laptop.page, laptop.page.locator("#stop")
    laptop.tab("Discover")
    expect(stop).to_be_disabled()
    fill(laptop, "discover-vectors", 48)
    fill(laptop, "discover-use", 48)
    page.click("#discover-compute")
    expect(stop).to_be_enabled()
    bar = page.locator(".sp-actions.sp-running")
    expect(bar).to_have_count(1)
    page.wait_for_function("document.querySelector('.sp-running')?.dataset.said.includes('computing vectors')")
    expect(page.locator("#discover-progress")).to_contain_text("step")
    stop.click()
    expect(stop).to_have_text("Stop")
    expect(stop).to_be_disabled()
    expect(bar).to_have_count(0)
    expect(page.locator("#discover-progress")).to_contain_text("of computation")


def test_the_keyboard_is_at_the_button_at_once(laptop: Visitor) -> None:
    for name in TABS[:4]:
        laptop.tab(name)
        laptop.page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
        laptop.page.locator(".sp-skip").focus()
        laptop.page.keyboard.press("Enter")
        assert laptop.page.evaluate("document.activeElement.id") == f"{name.lower()}-{PRIMARY[name]}"


def test_the_first_stop_of_the_keyboard_leads_to_the_button(laptop: Visitor) -> None:
    first = """() => [...document.querySelectorAll('button, input, textarea, a[href], [tabindex]')]
      .find((each) => each.getClientRects().length && each.tabIndex >= 0).className"""
    assert laptop.page.evaluate(first) == "sp-skip"
    # Again until it holds: what the page still builds may take the focus away.
    laptop.page.wait_for_function(
        "() => { const skip = document.querySelector('.sp-skip'); skip.focus();"
        " return skip.getBoundingClientRect().top >= 0; }"
    )
    expect(laptop.page.locator(".sp-skip")).to_be_in_viewport(ratio=1)


def test_results_below_the_form_are_scrolled_to_on_a_phone(visit: Callable[..., Visitor]) -> None:
    phone = visit(width=390, height=844)
    phone.page.click("#steer-generate")
    phone.page.wait_for_selector("#steer-command code", state="attached")
    phone.page.wait_for_function(
        "() => { const { top } = document.querySelector('#steer-panes').getBoundingClientRect();"
        " return top < innerHeight && top > -200; }"
    )
