"""The frame: model strip, dark mode, phone width, nothing that reaches out, nothing that is left open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from visiting import Site, Visitor

from playground.ui.endpoints import ENDPOINTS

TABS = ("Steer", "Discover", "Library")


def load(visitor: Visitor, name: str) -> None:
    if not visitor.page.locator("#model-name input, #model-name textarea").is_visible():
        visitor.unfold("model-strip")
    visitor.page.fill("#model-name input, #model-name textarea", name)
    visitor.page.click("#model-load")


def test_another_model_bounds_the_sliders_and_empties_the_mixer(
    visit: Callable[..., Visitor], site: Site, tiny_path: Callable[[str], Path]
) -> None:
    visitor, other = visit(), visit()
    try:
        load(visitor, str(tiny_path("llama")))
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("4 blocks")
        expect(other.page.locator("#model-strip > button")).to_contain_text("4 blocks")  # without a reload
        expect(visitor.page.locator("#steer-hint")).to_contain_text("Discover")
        visitor.tab("Discover")
        expect(visitor.page.locator("#discover-target input[type=range]")).to_have_attribute("max", "3")
    finally:
        load(visitor, "organism")
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("organism")
        expect(visitor.page.locator("#status")).to_contain_text("ready")


def test_a_model_that_is_not_there_is_one_sentence_and_the_old_one_stays(visitor: Visitor, site: Site) -> None:
    before = site.workbench.loaded
    load(visitor, "/nowhere/at/all")
    expect(visitor.page.locator("#model-notice .sp-error")).to_contain_text("/nowhere/at/all")
    assert site.workbench.loaded is before
    expect(visitor.page.locator("#model-strip > button")).to_contain_text("organism")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_wider_than_a_phone(visit: Callable[..., Visitor], dark: bool) -> None:
    visitor = visit(width=390, height=844, dark=dark)
    visitor.page.wait_for_selector("#steer-shifts table")
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")
    for tab in TABS:
        visitor.tab(tab)
        visitor.page.wait_for_timeout(400)
        width = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{tab} is {width} pixels wide"
        visitor.shot(f"{tab.lower()}-phone-{'dark' if dark else 'light'}")


def test_dark_mode_is_dark_and_the_button_switches_it(visit: Callable[..., Visitor]) -> None:
    visitor = visit(dark=True)
    brightness = "getComputedStyle(document.querySelector('body')).backgroundColor"
    dark, light = "rgb(14, 17, 22)", "rgb(245, 246, 248)"
    visitor.page.wait_for_function(f"{brightness} === '{dark}'")
    visitor.page.wait_for_selector("#steer-curve .js-plotly-plot")
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")
    visitor.shot("steer-dark")
    visitor.page.click("#dark")
    visitor.page.wait_for_function(f"{brightness} === '{light}'")


def test_every_control_has_a_name(visitor: Visitor) -> None:
    for tab in TABS:
        visitor.tab(tab)
        visitor.page.wait_for_timeout(300)
        nameless = visitor.page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=file]), textarea, button')]
                .filter((e) => e.offsetParent && !e.getAttribute('aria-label') && !(e.labels && e.labels.length)
                    && !e.textContent.trim() && !e.title && !e.closest('label'))
                .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], tab


def test_endpoints_but_those_for_programs_are_private(site: Site, visitor: Visitor) -> None:
    info = visitor.page.request.get(f"{site.url}/gradio_api/info").json()
    assert set(info["named_endpoints"]) == {f"/{endpoint.__name__}" for endpoint in ENDPOINTS}
    assert info["unnamed_endpoints"] == {}


def test_a_made_up_action_changes_nothing(site: Site, visitor: Visitor) -> None:
    before = site.store.names()
    visitor.tab("Library")
    visitor.page.evaluate(
        """() => { const b = document.createElement('button'); b.dataset.act = 'open'; b.dataset.name = '../../etc';
            b.textContent = 'x'; b.id = 'forged'; document.querySelector('#library-sets .prose').append(b); }"""
    )
    visitor.page.click("#forged")
    expect(visitor.page.get_by_test_id("toast-body")).to_contain_text("not there")
    assert site.store.names() == before


def test_what_an_event_has_read_is_not_told_how_other_events_are_doing(visitor: Visitor) -> None:
    # Gradio's own class of such states, as page.js left it. Where this fails after an update of Gradio, every event
    # of the page costs several times as much, and page.js says what to look for.
    told = visitor.page.evaluate(
        """async () => {
            const name = performance.getEntriesByType('resource').map((each) => each.name)
                .find((each) => each.includes('/statustracker-'));
            const States = Object.values(await import(name)).find((each) => each.prototype?.resolve_args);
            const states = new States();
            states.register(0, [1], [1, 2, 3], 'hidden');
            states.update({ fn_index: 0, status: 'pending', stream_state: null });
            states.update({ fn_index: 0, status: 'complete', stream_state: 'closed' });
            return Object.keys(states.current);
        }"""
    )
    assert told == ["1"]


def test_a_toy_is_called_one_and_a_model_of_the_list_is_loaded_with_one_click(
    visit: Callable[..., Visitor], site: Site, tiny_path: Callable[[str], Path], tmp_path: Path
) -> None:
    shutil.copytree(tiny_path("llama"), tmp_path / "a-real-model")
    site.workbench.models = tmp_path
    try:
        visitor, dark, phone = visit(), visit(dark=True, height=720, width=1280), visit(width=390, height=844)
        expect(visitor.page.locator("#model-toy")).to_contain_text("a toy")
        for looker, name in ((visitor, "desktop"), (dark, "dark"), (phone, "phone")):
            looker.shot(f"toy-{name}")
            looker.unfold("model-strip")
            expect(looker.page.locator("#model-choices")).to_contain_text("a-real-model")
            expect(looker.page.locator("#model-choices")).to_contain_text("Qwen3-14B 29.5 GB")
            looker.shot(f"models-{name}")
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
        visitor.page.click("#model-choices button:has-text('a-real-model')")
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("4 blocks")
        expect(visitor.page.locator("#model-toy")).not_to_contain_text("toy")
        visitor.page.click("#model-choices button:has-text('organism')")
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("organism")
        visitor.page.click("#model-toy button")  # the smallest model that is at hand
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("a-real-model")
    finally:
        site.workbench.models = None
        load(visitor, "organism")
        expect(visitor.page.locator("#model-strip > button")).to_contain_text("organism")
        expect(visitor.page.locator("#status")).to_contain_text("ready")
