"""“Report a problem”: what it shows can be copied and downloaded, and holds nothing that was typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from visiting import Visitor

SECRET = "xyzzy"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_is_shown_and_downloaded_without_what_was_typed(
    visit: Callable[..., Visitor], width: int, tmp_path: Path
) -> None:
    visitor = visit(width=width, dark=width == 390)
    page = visitor.page
    page.fill("#steer-prompt textarea", f"Tell me about {SECRET}.")
    page.click("#steer-generate")
    expect(page.locator("#steer-command code")).to_contain_text(SECRET)
    page.fill("#steer-prompt textarea", " ")
    page.click("#steer-generate")
    expect(page.locator("#steer-notice")).to_contain_text("xpected")
    page.get_by_role("button", name="Report a problem").click()
    report = page.locator("#problem pre")
    expect(report).to_contain_text("GenerateRequest")
    expect(report).to_contain_text("InputError")
    assert SECRET not in report.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    visitor.shot(f"problem-{width}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report").click()
    assert download.value.suggested_filename == "problem-report.json"
    download.value.save_as(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["model"]["blocks"] == 12
    page.get_by_role("button", name="Report a problem").click()
    expect(report).to_have_count(0)
