"""The server is killed under an open page, and started again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from server_process import Server
from visiting import SCREENSHOTS, SLACK

TYPED = "How do I polish a lighthouse?"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "log")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def open_page(server: Server, chromium: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Opens the page without the checks of `visit`: a server that is gone is an error of the console."""
    pages: list[Page] = []

    def opened(width: int, dark: bool = False) -> Page:
        page = chromium.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{server.url}/?__theme={'dark' if dark else 'light'}")
        page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
        return page

    yield opened
    for page in pages:
        page.close()


def test_an_open_page_says_that_the_server_is_gone_and_goes_on_when_it_is_back(
    server: Server, open_page: Callable[..., Page]
) -> None:
    pages = {"desktop": open_page(1280), "phone-dark": open_page(390, dark=True)}
    page = pages["desktop"]
    page.fill("#steer-prompt textarea", TYPED)
    page.get_by_role("tab", name="Scan", exact=True).click()
    page.fill("#scan-rows input, #scan-rows textarea", "0-2")
    server.kill()
    killed = time.monotonic()
    line = page.locator(".sp-server")
    expect(line).to_contain_text("The server does not answer. Trying again")
    print(f"said after {time.monotonic() - killed:.1f} s")
    assert time.monotonic() - killed < 10 * SLACK
    for name, each in pages.items():
        expect(each.locator(".sp-server")).to_be_visible()
        expect(each.get_by_test_id("toast-body")).to_be_hidden()
        assert each.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        each.screenshot(path=shot(f"restart-gone-{name}"))
    expect(page.locator("#status")).to_be_hidden()  # it would go on to say “ready”
    expect(page.locator("#scan-rows").locator("input, textarea")).to_have_value("0-2")

    server.start()
    started = time.monotonic()
    expect(line).to_contain_text("The server answers again")
    print(f"back after {time.monotonic() - started:.1f} s")
    expect(page.get_by_role("tab", name="Scan", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#scan-rows").locator("input, textarea")).to_have_value("0-2")
    expect(page.locator("#scan-hint")).to_contain_text("3 vectors")  # the server was told too
    page.get_by_role("tab", name="Steer", exact=True).click()
    expect(page.locator("#steer-prompt textarea")).to_have_value(TYPED)
    for name, each in pages.items():
        expect(each.locator(".sp-server")).to_contain_text("The server answers again")
        each.screenshot(path=shot(f"restart-back-{name}"))
    line.get_by_role("button", name="close").click()
    expect(line).to_have_count(0)
    page.click("#steer-generate")
    expect(page.locator("#steer-steered .sp-text")).to_have_text(re.compile(r"\w"))
    expect(page.locator("#steer-command code")).to_contain_text(TYPED)


def test_an_address_that_is_opened_anew_is_a_fresh_page(open_page: Callable[..., Page]) -> None:
    page = open_page(1280)
    kept = '{"tab": "Scan", "fields": {"steer-prompt": "kept"}}'
    page.evaluate("(kept) => sessionStorage.setItem('playground-kept', kept)", kept)
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
    page.wait_for_timeout(1500)
    expect(page.locator(".sp-server")).to_have_count(0)
    assert page.input_value("#steer-prompt textarea") != "kept"
    assert page.evaluate("sessionStorage.getItem('playground-kept')") is None


def test_a_reload_by_hand_is_a_fresh_page(open_page: Callable[..., Page]) -> None:
    page = open_page(1280)
    page.fill("#steer-prompt textarea", TYPED)
    page.reload()
    page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
    page.wait_for_timeout(1500)
    assert page.input_value("#steer-prompt textarea") != TYPED
    expect(page.locator(".sp-server")).to_have_count(0)


def shot(name: str) -> Path:
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS / f"{name}.png"
