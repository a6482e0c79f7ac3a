"""A running page, and a visitor to it who notes everything that goes wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect

from playground.library.store import Store
from playground.services.session import Workbench

SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SLACK = float(os.environ.get("PLAYGROUND_SLACK", "3" if os.environ.get("CI") else "1"))
"""Factor on every time limit: machines that test are slower, and busier, than the ones the limits are for."""
TIMEOUT = 30_000 * SLACK
QUIET = ("queue/data", "heartbeat")
"""Streams that end when a tab closes; the browser reports them as aborted."""


@dataclass
class Site:
    """The running page, and what is behind it."""

    url: str
    workbench: Workbench

    @property
    def store(self) -> Store:
        return self.workbench.store


@dataclass
class Visitor:
    """One tab, which is a session of its own, with everything that went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    @classmethod
    def in_new_tab(cls, browser: BrowserContext, host: str) -> Visitor:
        """A visitor who may ask nothing of any host but this one."""
        visitor = cls(browser.new_page())
        visitor.page.on(
            "console", lambda said: said.type == "error" and visitor._note(f"console: {said.text} {said.location}")
        )
        visitor.page.on("pageerror", lambda error: visitor._note(f"script: {error}"))
        visitor.page.on("request", lambda request: visitor._check_host(request.url, host))
        visitor.page.on(
            "requestfailed",
            lambda request: "ERR_ABORTED" in (request.failure or "") or visitor._note(f"failed: {request.url}"),
        )
        return visitor

    def leave(self) -> None:
        """End the session, and leave nothing of it in the tab."""
        self.page.evaluate("localStorage.clear()")
        self.page.goto("about:blank")
        self.errors = []

    def _note(self, what: str) -> None:
        if not any(quiet in what for quiet in QUIET):
            self.errors.append(what)

    def _check_host(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            self._note(f"foreign request: {url}")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def unfold(self, element: str) -> None:
        """Open an accordion unless it is open. Gradio fills it in as it opens: what is typed in that very moment is
        shown, but lost.
        """
        button = self.page.locator(f"#{element} > button")
        if "open" not in (button.get_attribute("class") or "").split():
            button.click()
            self.page.wait_for_timeout(400 * SLACK)

    def ends(self, button: str, progress: str, says: str) -> None:
        """Click, and wait until the line of progress says something new, and at last `says`."""
        line = self.page.locator(f"#{progress}")
        self.page.evaluate("(id) => document.querySelector(`#${id} .sp-progress`)?.classList.add('before')", progress)
        self.page.click(f"#{button}")
        expect(line.locator(".before")).to_have_count(0)
        expect(line).to_contain_text(says)

    def text(self, element: str) -> str:
        return self.page.inner_text(f"#{element}")

    def shot(self, name: str) -> None:
        """A picture for the eye, of the whole page; the folder is not in git."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds, now or within the time that a browser is given."""
    deadline = time.monotonic() + TIMEOUT / 1000
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def fill(visitor: Visitor, element: str, value: object) -> None:
    field = visitor.page.locator(f"#{element} input[type=number]")
    field.fill(str(value))
    field.press("Tab")


def choose(visitor: Visitor, method: str) -> None:
    visitor.page.get_by_label(method, exact=True).check()


def compute(visitor: Visitor) -> None:
    visitor.ends("discover-compute", "discover-progress", "of computation")
