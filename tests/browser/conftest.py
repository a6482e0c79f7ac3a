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

from playwright.sync_api import Browser, expect, sync_playwright
from visiting import CHROMIUM, TIMEOUT, Site, Visitor

from playground.library.store import DEFAULT_FOLDER, Store
from playground.services.session import Workbench


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over the shipped model and a copy of the shipped sets."""
    from playground.services.find import FindRequest, find
    from playground.ui.page import build, launch_options

    folder = tmp_path_factory.mktemp("vectors")
    for path in DEFAULT_FOLDER.glob("*.safetensors"):
        shutil.copy(path, folder)
    workbench = Workbench(store=Store(folder))
    loaded = workbench.load_model()
    if not workbench.store.names():
        request = FindRequest(method="power", prompts=("How can I jinx a lighthouse?",), source=3, target=9, vectors=4)
        workbench.store.save(find(loaded, request).vector_set, "made-for-the-tests")
    page = build(workbench)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, server_name="127.0.0.1", **launch_options()
    )
    yield Site(url.rstrip("/"), workbench)
    page.close(verbose=False)
    workbench.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(site: Site, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a new visitor: visit(), visit(width=390, dark=True). Checks for errors at the end."""
    visitors: list[Visitor] = []
    contexts = []

    def open_page(width: int = 1440, height: int = 900, dark: bool = False, wait: bool = True) -> Visitor:
        context = chromium.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        visitor = Visitor(context.new_page())
        visitor.watch(urlsplit(site.url).netloc)
        visitors.append(visitor)
        visitor.page.goto(f"{site.url}/?__theme={'dark' if dark else 'light'}")
        if wait:
            visitor.page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
        return visitor

    yield open_page
    for context in contexts:
        context.close()
    wrong = [error for visitor in visitors for error in visitor.errors]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()
