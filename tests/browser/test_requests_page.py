"""A visit from start to end asks nothing of any other host, and the server connects to nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from server_process import Server

WATCHED = """
import os, runpy, sys
sys.argv[0] = "app.py"
calls = open(os.environ["CALLS"], "a", buffering=1)
def watch(event, values):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print(event, repr(values[0] if event == "socket.getaddrinfo" else values[1]), file=calls)
sys.addaudithook(watch)
runpy.run_path("app.py", run_name="__main__")
"""
"""app.py in a process that writes every connection and every look-up of a name to the file CALLS."""
LOOPBACK = ("127.0.0.1", "localhost", "::1", "'/", "b'/", "None", "'0.0.0.0'")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def server(tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HF_HUB_OFFLINE", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)  # a user has not set them
    server = Server(tmp_path / "log", ("-c", WATCHED), {"CALLS": str(calls), "PLAYGROUND_VECTORS": str(tmp_path)})
    server.start()
    yield server
    server.kill()


def test_no_request_of_a_whole_visit_leaves_the_host(server: Server, chromium: BrowserContext, calls: Path) -> None:
    assert chromium.browser is not None
    fresh = chromium.browser.new_context(accept_downloads=True)  # nothing is cached
    page = fresh.new_page()
    asked: Counter[str] = Counter()
    page.on("request", lambda request: asked.update([urlsplit(request.url).netloc or request.url[:30]]))
    page.on("websocket", lambda socket: asked.update([urlsplit(socket.url).netloc]))
    whole_visit(page, server.url)
    fresh.close()
    print(f"requests of a visit: {dict(asked)}")
    own = urlsplit(server.url).netloc
    assert asked[own] > 100
    assert [host for host in asked if host != own and not host.startswith(("blob:", "data:"))] == []
    told = calls.read_text(encoding="utf-8").splitlines()
    print(f"connections of the server: {len(told)}, {Counter(told).most_common(5)}")
    assert any("127.0.0.1" in line for line in told), "the watch sees Gradio's own call at its start"
    assert [line for line in told if not any(own in line for own in LOOPBACK)] == []


def whole_visit(page: Page, url: str) -> None:
    """Every tab, a run in each that has one, a download, dark mode, a reload."""
    page.goto(url)
    page.wait_for_selector("body:not([inert]) #tabs")  # on the tab that the address names
    page.click("#dark")
    page.click("#steer-generate")
    expect(page.locator("#steer-command code")).to_contain_text("generate")
    runs = {
        "Discover": ("#discover-compute", "#discover-progress", "signed vectors say"),
        "Scan": ("#scan-run", "#scan-progress", "tokens/s"),
        "Measure": ("#measure-measure", "#measure-progress", "rows of vectors"),
    }
    for tab, (button, progress, says) in runs.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        if tab == "Discover":
            for name, value in (("use", "1"), ("vectors", "2")):
                page.locator(f"#discover-{name} input[type=number]").fill(value)
                page.locator(f"#discover-{name} input[type=number]").press("Tab")
        elif tab == "Scan":
            page.locator("#scan-rows").locator("input, textarea").fill("0")
        else:
            page.locator("#measure-rows").locator("input, textarea").first.fill("0")
        page.click(button)
        expect(page.locator(progress)).to_contain_text(says)
        if tab == "Discover":
            page.locator("#discover-name").locator("input, textarea").fill("found-here")
            page.click("#discover-save")
            expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    page.get_by_role("tab", name="Library", exact=True).click()
    page.locator("#library-sets tr[data-name='found-here']").click()
    expect(page.locator("#library-rows .sp-name").first).to_be_visible()
    with page.expect_download():
        page.click("#library-download")
    page.reload()
    page.wait_for_selector("body:not([inert]) #tabs")  # on the tab that the address names
