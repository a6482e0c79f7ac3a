"""Pictures of the page with something to see in every tab: python -m tests.browser.pictures [--out DIR] [--model M]

The pictures of the README are those of `--out assets/docs --tabs steer,discover --height 900`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
sys.path.insert(0, str(Path(__file__).parent))  # for `import visiting`

from playwright.sync_api import expect, sync_playwright
from visiting import CHROMIUM, Visitor

from playground.library.store import Store
from playground.places import SHIPPED_VECTORS
from playground.services.session import Workbench

MINUTES = 3  # that a step may take on a slow machine with a real model


def walk(visitor: Visitor, tabs: Sequence[str], shoot: Callable[[str], None]) -> None:
    """Do in every tab what its button does; `shoot` gets the name of the tab when it is done."""
    for tab in tabs:
        visitor.tab(tab.capitalize())
        DO[tab](visitor)
        visitor.page.wait_for_timeout(1000)
        shoot(tab)


def _steer(visitor: Visitor) -> None:
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")
    expect(visitor.page.locator("#steer-curve")).to_contain_text("random, equal norm")


def _discover(visitor: Visitor) -> None:
    """Vectors, texts at their found scales, saved; the first that is text is opened in Steer, and waits there."""
    page = visitor.page
    page.click("#discover-compute")
    expect(page.locator("#discover-progress")).to_contain_text("of computation")
    expect(page.locator("#discover-gallery .sp-caption")).to_contain_text("at the found scales")
    page.click("#discover-save")
    expect(page.locator("#discover-save-notice")).to_contain_text("Saved as")
    page.locator("#discover-gallery .sp-galcell:has(.sp-text:not(:empty)) button[data-act=steer]").first.click()
    expect(page.get_by_role("tab", name="Steer")).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(2000)  # what the click changes comes in several events
    visitor.tab("Discover")


def _scan(visitor: Visitor) -> None:
    visitor.page.click("#scan-run")
    expect(visitor.page.locator("#scan-progress")).to_contain_text("tokens/s")


def _measure(visitor: Visitor) -> None:
    visitor.page.click("#measure-measure")
    expect(visitor.page.locator("#measure-progress")).to_contain_text("rows of vectors")
    expect(visitor.page.locator("#measure-table")).to_contain_text("random controls")


def _atlas(visitor: Visitor) -> None:
    visitor.page.click("#atlas-compute")
    expect(visitor.page.locator("#atlas-progress")).to_contain_text("of computation")
    visitor.page.locator("#atlas-map .sp-mapcell").nth(20).click()
    expect(visitor.page.locator("#atlas-cell")).to_contain_text("Blocks")


DO = {
    "steer": _steer, "discover": _discover, "scan": _scan, "measure": _measure, "atlas": _atlas,
    "library": lambda visitor: None,
}
"""What is done in every tab. On a model without sets, Discover comes first."""


def main() -> None:
    from playground.ui.page import build, launch_options

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "screenshots")
    parser.add_argument("--model", help="a model's path; without it the one that ships")
    parser.add_argument("--tabs", default="discover,steer,scan,measure,atlas,library", help="in this order")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, help="of the picture; without it the whole page")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--prefix", default="")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for path in SHIPPED_VECTORS.glob("*.safetensors"):
            shutil.copy(path, folder)
        workbench = Workbench(store=Store(Path(folder)))
        workbench.load_model(*([options.model] if options.model else []))
        page = build(workbench)
        options_here = launch_options(page)
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options_here)
        expect.set_options(timeout=60_000 * MINUTES)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": options.width, "height": options.height or 900})
        context.set_default_timeout(60_000 * MINUTES)
        visitor = Visitor.in_new_tab(context, urlsplit(url).netloc)
        visitor.page.goto(f"{url.rstrip('/')}/?__theme={'dark' if options.dark else 'light'}")
        visitor.page.wait_for_selector("body:not([inert]) #steer-examples .sp-chip")
        begun = time.perf_counter()

        def shoot(name: str) -> None:
            path = options.out / f"{options.prefix}{name}.png"
            visitor.page.mouse.move(0, 0)
            visitor.page.screenshot(path=path, full_page=options.height is None)
            print(f"{path} after {time.perf_counter() - begun:.0f} s", flush=True)

        try:
            walk(visitor, options.tabs.split(","), shoot)
        except BaseException:
            shoot("failed")
            raise
        for error in visitor.errors:
            print(error)
        browser.close()
        page.close(verbose=False)
        workbench.close()


if __name__ == "__main__":
    main()
