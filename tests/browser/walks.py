"""Walks through the page, as people take them: python -m tests.browser.walks [--model M] [--width W] [--dark]

Each says its clicks and seconds and leaves a picture of every step.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
sys.path.insert(0, str(Path(__file__).parent))  # for `import visiting`

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from visiting import CHROMIUM, SCREENSHOTS, SLACK, Site, Visitor

from playground.library.store import Store
from playground.places import SHIPPED_VECTORS
from playground.services.session import Workbench

MINUTES = 10  # that a step may take with a real model
ORTHO_STEPS = 100  # of 300, with a real model: the mean effect is then 0.81 instead of 0.88, in a third of the time
READY = "body:not([inert]) #steer-examples .sp-chip"


@dataclass
class Walk:
    """A visitor's clicks and time. `shoot` gets the name of each step."""

    visitor: Visitor
    shoot: Callable[[Page, str], None]
    clicks: int = 0
    begun: float = field(default_factory=time.monotonic)

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.clicks += 1

    def tab(self, name: str) -> None:
        self.visitor.tab(name)
        self.clicks += 1

    def type(self, selector: str, text: str) -> None:
        """Into a field, and on to the next one; counted as a click."""
        field = self.page.locator(f"{selector} input:not([type=range]), {selector} textarea").first
        field.fill(text)
        field.press("Tab")
        self.clicks += 1

    def step(self, name: str) -> None:
        self.page.wait_for_timeout(800)
        self.shoot(self.page, name)

    def generate(self) -> tuple[str, str]:
        """Baseline and steered text."""
        self.page.evaluate("document.getElementById('steer-steered').classList.add('before')")
        self.click("#steer-generate")
        expect(self.page.locator("#steer-steered:not(.before)")).to_contain_text("tokens/s")
        baseline, steered = (self.page.locator(f"#steer-{pane} .sp-text") for pane in ("baseline", "steered"))
        return baseline.first.inner_text(), steered.first.inner_text()

    def found(self) -> None:
        """Wait for the gallery of a run that has just begun."""
        expect(self.page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
        expect(self.page.locator("#status")).to_contain_text("ready")

    def into_steer(self, place: str) -> None:
        self.click(f"#discover-gallery {place} button[data-act=steer]")
        expect(self.page.get_by_role("tab", name="Steer")).to_have_attribute("aria-selected", "true")
        self.page.wait_for_timeout(600)  # what the click changes comes in several events


READABLE = ".sp-galcell:not(.sp-baseline):has(.sp-text:not(:empty))"


def newcomer(walk: Walk) -> None:
    """From texts that stand there: the slider, Generate, and vectors of one's own."""
    walk.step("opened")
    before = walk.page.locator("#steer-steered .sp-text").inner_text()
    slider = walk.page.locator("#mix-0-scale input[type=range]")
    slider.focus()
    for _ in range(5):
        slider.press("PageUp")  # a tenth of the slider
    walk.clicks += 1
    expect(walk.page.locator("#mix-0-strip")).not_to_contain_text("1 × found")
    _, after = walk.generate()
    assert after != before
    walk.step("slid")
    walk.tab("Discover")
    walk.click("#discover-compute")
    walk.found()
    walk.step("found")
    walk.into_steer(READABLE)
    baseline, steered = walk.generate()
    assert baseline != steered
    walk.step("steered")


def newcomer_without_vectors(walk: Walk) -> None:
    """A model that has no set: one click to a gallery, one to a vector in Steer."""
    walk.step("opened")
    clicked = walk.seconds
    walk.click("#find-some [data-act=find]")
    walk.found()
    print(f"gallery {walk.seconds - clicked:.0f} s after the one click", flush=True)
    walk.step("found")
    walk.into_steer(READABLE)
    baseline, steered = walk.generate()
    assert baseline != steered
    walk.click("#steer-write-strip")
    expect(walk.page.locator("#steer-strip .sp-stripcell .sp-text:not(:empty)")).to_have_count(6)
    expect(walk.page.locator("#status")).to_contain_text("ready")
    walk.step("steered")


def researcher(walk: Walk, opened: Callable[[str], Page]) -> None:
    """Find on several prompts, name, keep, measure against random, and send a link that shows the same in a browser
    that has seen nothing of the page: `opened` is that browser.
    """
    page = walk.page
    walk.tab("Discover")
    walk.click("#discover-compute")
    walk.found()
    rows = page.locator("#discover-gallery .sp-galrow:visible")
    row = rows.nth(1).get_attribute("data-row")
    rows.nth(1).locator(".sp-name").fill("worth a look")
    rows.nth(1).locator(".sp-name").press("Enter")
    rows.nth(1).locator("[data-act=star]").click()
    walk.clicks += 2
    name = f"walk-{time.time_ns() % 10**6}"
    walk.type("#discover-name", name)
    walk.click("#discover-save")
    expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    walk.step("named")
    walk.into_steer(f"[data-row='{row}'] {READABLE}")
    texts = walk.generate()
    walk.click("#steer-share")
    link = page.locator("#share-link [data-copy]").get_attribute("data-copy")
    assert link is not None
    walk.step("shared")
    other = opened(link)
    other.click("#steer-generate")
    other.wait_for_selector("#steer-command code")
    walk.clicks += 1
    there = [other.locator(f"#steer-{pane} .sp-text").first.inner_text() for pane in ("baseline", "steered")]
    assert tuple(there) == texts
    walk.shoot(other, "fresh")
    walk.tab("Measure")
    _only(walk, name)
    walk.type("#measure-rows", row or "0")
    walk.click("#measure-measure")
    expect(page.locator("#measure-progress")).to_contain_text("of random directions")
    walk.step("measured")


def ortho(walk: Walk, steps: int | None = None) -> None:
    """Sixteen orthogonal copies of a vector, and the average of three in its own norm; the vector is the first that was
    found where there is none. `steps` of training are typed where they are given.
    """
    page = walk.page
    if page.locator("#find-some [data-act=find]").is_visible():
        walk.click("#find-some [data-act=find]")
        walk.found()
        walk.click("#discover-save")
        expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    walk.tab("Discover")
    page.get_by_label("MELBO-ortho", exact=True).check()
    expect(page.locator("#discover-vectors input[type=number]")).to_have_value("64")
    walk.clicks += 1
    walk.type("#discover-use", "1")
    walk.type("#discover-vectors", "16")
    if steps is not None:
        walk.click("#discover-more > button")
        walk.type("#discover-ortho-steps", str(steps))
    walk.click("#discover-compute")
    expect(page.locator("#discover-gallery .sp-caption")).to_have_count(0)  # that of the run before
    walk.found()
    walk.step("copies")
    walk.into_steer(".sp-galrow")
    walk.click("#mix-add-average")
    expect(page.locator("#mix-1-count input[type=number]")).to_have_value("3")
    page.locator("#mix-1-native input").check()
    walk.click("#mix-0-remove")
    walk.clicks += 1
    walk.type("#mix-1-scale", "1")
    expect(page.locator("#mix-1-strip")).to_contain_text(re.compile("norm [1-9]"))  # not 0: it adds something
    baseline, steered = walk.generate()
    walk.step("average")
    print(f"average of three: {steered[:100]!r}, baseline {baseline[:60]!r}", flush=True)


def atlas(walk: Walk) -> None:
    """Open the map, look, click where most happens, read, keep a vector; the map is computed where none ships."""
    page = walk.page
    walk.tab("Atlas")
    if not page.locator("#atlas-map .sp-mapcell").count():
        walk.click("#atlas-compute")
        expect(page.locator("#atlas-progress")).to_contain_text("of computation")
        print(f"map {walk.seconds:.0f} s after the page was asked for", flush=True)
    walk.step("opened")
    darkest = page.locator("#atlas-map .sp-mapcell").evaluate_all(
        "cells => { const shade = cell => +getComputedStyle(cell).getPropertyValue('--shade');"
        " const most = cells.reduce((a, b) => (shade(b) > shade(a) ? b : a));"
        " return [most.dataset.source, most.dataset.target]; }"
    )
    clicked = walk.seconds
    walk.click(f".sp-mapcell[data-source='{darkest[0]}'][data-target='{darkest[1]}']")
    expect(page.locator("#atlas-cell .sp-words")).to_have_count(4)
    where = f"blocks {darkest[0]} → {darkest[1]}"
    print(f"{where}: texts and words {walk.seconds - clicked:.0f} s after the click", flush=True)
    walk.step("texts")
    walk.click("#atlas-cell [data-act=gallery]")
    walk.found()
    row = page.locator(f"#discover-gallery .sp-galrow:has({READABLE})").first
    row.locator(".sp-name").fill("from the atlas")
    row.locator(".sp-name").press("Enter")
    row.locator("[data-act=star]").click()
    walk.clicks += 2
    walk.click("#discover-save")
    expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    walk.step("kept")


def _only(walk: Walk, name: str) -> None:
    """Choose one set in Measure, and no other."""
    sets = walk.page.locator("#measure-sets")
    while sets.locator(".token-remove:visible").count():
        sets.locator(".token-remove:visible").first.click()
        walk.clicks += 1
    sets.locator("input").first.click()
    walk.page.get_by_role("option", name=name, exact=True).click()
    walk.page.keyboard.press("Escape")
    walk.clicks += 2


@contextmanager
def served(model: str | None, empty: bool) -> Iterator[Site]:
    """The page over a model and a library of its own, with the shipped sets unless it is to be empty."""
    from playground.ui.page import build, launch_options

    with tempfile.TemporaryDirectory() as folder:
        for path in () if empty else SHIPPED_VECTORS.glob("*.safetensors"):
            shutil.copy(path, folder)
        workbench = Workbench(store=Store(Path(folder)))
        workbench.load_model(*([model] if model else []))
        page = build(workbench)
        options = launch_options(page)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options)
        yield Site(url.rstrip("/"), workbench)
        page.close(verbose=False)
        workbench.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SCREENSHOTS)
    parser.add_argument("--model", help="a model's path; without it the one that ships")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--walks", default="newcomer,researcher,ortho,atlas")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000 * MINUTES)
    kind = f"{'real' if options.model else 'organism'}-{options.width}{'-dark' * options.dark}"
    with served(options.model, empty=options.model is not None) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])

        def opened(link: str) -> Page:
            context = browser.new_context(viewport={"width": options.width, "height": options.height})
            return _opened(context, link)

        walks: dict[str, Callable[[Walk], None]] = {
            "newcomer": newcomer_without_vectors if options.model else newcomer,
            "researcher": lambda walk: researcher(walk, opened),
            "atlas": atlas,
            "ortho": lambda walk: ortho(walk, ORTHO_STEPS if options.model else None),
        }
        for name in options.walks.split(","):
            context = browser.new_context(viewport={"width": options.width, "height": options.height})
            context.set_default_timeout(60_000 * MINUTES)
            visitor = Visitor.in_new_tab(context, urlsplit(site.url).netloc)
            begun = time.monotonic()
            visitor.page.goto(f"{site.url}/?__theme={'dark' if options.dark else 'light'}")
            visitor.page.wait_for_selector(READY)

            def shoot(page: Page, step: str, of: str = name) -> None:
                page.mouse.move(0, 0)
                page.screenshot(path=options.out / f"walk-{kind}-{of}-{step}.png")

            walk = Walk(visitor, shoot, begun=begun)
            walks[name](walk)
            print(f"{kind}: {name}: {walk.clicks} clicks, {walk.seconds:.0f} s", flush=True)
            for error in visitor.errors:
                print(error)
            context.close()
        browser.close()


def _opened(context: BrowserContext, link: str) -> Page:
    context.set_default_timeout(60_000 * SLACK)
    page = context.new_page()
    page.goto(link)
    page.wait_for_selector(READY)
    return page


if __name__ == "__main__":
    main()
