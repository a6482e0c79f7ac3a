"""The page in this process on a free port, and visitors to it in a real Chromium.

A visitor's test fails when the browser's console shows an error, a script raises, or anything is asked of another host.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

sys.path.insert(0, str(Path(__file__).parent))  # for `import visiting`

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from visiting import CHROMIUM, TIMEOUT, Site, Visitor

from playground.library.store import Store
from playground.places import SHIPPED_VECTORS
from playground.services.session import Workbench


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over the shipped model and a copy of the shipped sets."""
    from playground.services.find import find, find_request
    from playground.ui.page import build, launch_options

    folder = tmp_path_factory.mktemp("vectors")
    for path in SHIPPED_VECTORS.glob("*.safetensors"):
        shutil.copy(path, folder)
    workbench = Workbench(store=Store(folder))
    loaded = workbench.load_model()
    if not workbench.store.names():
        request = find_request(method="power", prompts=("How can I jinx a lighthouse?",), source=3, target=9, vectors=4)
        workbench.store.save(find(loaded, request).vector_set, "made-for-the-tests")
    page = build(workbench)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(page))
    yield Site(url.rstrip("/"), workbench)
    page.close(verbose=False)
    workbench.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserContext]:
    """A browser that keeps what it has fetched and compiled of the page from test to test, as a user's does."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        context = browser.new_context(accept_downloads=True)
        context.set_default_timeout(TIMEOUT)
        yield context
        browser.close()


@pytest.fixture(scope="session")
def waiting(chromium: BrowserContext) -> list[Visitor]:
    """Tabs that no test uses now: opening the page in one of them takes half of the time that a new one takes."""
    return []


@pytest.fixture
def visit(site: Site, chromium: BrowserContext, waiting: list[Visitor]) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a new visitor: visit(), visit(width=390, dark=True). Checks for errors at the end."""
    visitors: list[Visitor] = []

    def open_page(width: int = 1440, height: int = 900, dark: bool = False, wait: bool = True) -> Visitor:
        visitor = waiting.pop() if waiting else Visitor.in_new_tab(chromium, urlsplit(site.url).netloc)
        visitors.append(visitor)
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.page.goto(f"{site.url}/?__theme={'dark' if dark else 'light'}")
        if wait:
            visitor.page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
        return visitor

    yield open_page
    wrong = []
    for visitor in visitors:
        wrong += visitor.errors
        if not visitor.page.is_closed():
            visitor.leave()
            waiting.append(visitor)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()


@pytest.fixture
def fresh(site: Site, chromium: BrowserContext) -> Iterator[Callable[[str], Page]]:
    """Opens a link in a browser that has seen nothing of the page."""
    contexts: list[BrowserContext] = []

    def open_link(address: str) -> Page:
        assert chromium.browser is not None
        context = chromium.browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
        return page

    yield open_link
    for context in contexts:
        context.close()
