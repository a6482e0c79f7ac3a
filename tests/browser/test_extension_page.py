"""A method of another package on the page: one file, and it can be chosen, computed, seen, saved and steered with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from extensions import LABEL, NAME, ROOT, install, pair_axes
from playwright.sync_api import BrowserContext, expect


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The page as a process of its own, with the package on its path."""
    env = install(tmp_path, NAME, pair_axes(), "steering_playground.methods", "METHOD")
    (tmp_path / "sets").mkdir()
    command = [sys.executable, "app.py"]
    env |= {"PYTHONUNBUFFERED": "1", "PLAYGROUND_VECTORS": str(tmp_path / "sets")}
    page = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert page.stdout is not None
        for line in page.stdout:
            if found := re.search(r"http://[\w.]+:\d+", line):
                yield found.group()
                break
        else:
            pytest.fail("the page did not start")
    finally:
        page.terminate()
        page.wait(20)


def test_a_method_of_another_package_is_computed_seen_saved_and_steered_with(
    url: str, chromium: BrowserContext, tmp_path: Path
) -> None:
    page = chromium.new_page()
    try:
        page.goto(url)
        expect(page.locator("body")).not_to_have_attribute("inert", re.compile(".*"))
        page.get_by_role("tab", name="Discover").click()
        page.locator("#discover-method").get_by_label(LABEL).check()
        expect(page.locator("#discover-what")).to_contain_text("differ most")
        expect(page.locator("#discover-set input")).to_have_value(re.compile("contrast"))
        page.click("#discover-compute")
        expect(page.locator("#discover-figure-0 .barlayer .point")).to_have_count(4)
        expect(page.locator("#discover-figures-note")).to_contain_text("of the squared differences")
        expect(page.locator("#discover-command")).to_contain_text(f"find {NAME}")
        page.fill("#discover-name input, #discover-name textarea", "mine")
        page.click("#discover-save")
        expect(page.locator("#discover-save-notice")).to_contain_text("Saved as mine")
        assert (tmp_path / "sets" / "mine.safetensors").exists()
        page.locator("#discover-gallery [data-act=steer]").first.click()
        expect(page.get_by_role("tab", name="Steer")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#mix-0-set input").first).to_have_value("mine")
    finally:
        page.close()
        assert os.environ.get("PYTHONPATH", "").count(str(tmp_path)) == 0
