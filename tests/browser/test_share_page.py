"""Share: the link, the command line, the script and the card of one state give the same texts."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from visiting import SCREENSHOTS, Site, Visitor, fill

from playground.model.load import ORGANISM


def test_link_command_script_and_card_agree(
    visit: Callable[..., Visitor], site: Site, fresh: Callable[..., object], tmp_path: Path
) -> None:
    visitor = visit(width=1280, height=720)
    page = visitor.page
    page.click("#steer-share")
    expect(page.locator("#share-card")).to_contain_text("Press Generate first")
    page.fill("#steer-prompt textarea", "How can I jinx a kite?")
    fill(visitor, "mix-0-scale", -0.6)
    expect(page.locator("#mix-0-strip")).to_contain_text("0.6 r")
    page.click("#steer-generate")
    page.wait_for_selector("#steer-command code")
    expect(page.locator("#steer-shared .sp-sharing")).to_have_count(0)
    texts = [page.inner_text(f"#steer-{pane} .sp-text") for pane in ("baseline", "steered")]
    assert texts[0] != texts[1]
    page.click("#steer-share")
    expect(page.locator("#share-card img")).to_be_visible()
    visitor.shot("share")

    link = page.get_attribute("#share-link [data-copy]", "data-copy")
    assert link.startswith(f"{site.url}/#v=1&tab=steer&")
    other = fresh(link)
    expect(other.locator("#steer-prompt textarea")).to_have_value("How can I jinx a kite?")
    other.click("#steer-generate")
    other.wait_for_selector("#steer-command code")
    assert [other.inner_text(f"#steer-{pane} .sp-text") for pane in ("baseline", "steered")] == texts

    command = page.get_attribute("#share-command-line [data-copy]", "data-copy")
    assert command == page.inner_text("#steer-command code")
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:], "--json"], capture_output=True, text=True, check=True
    )
    rows = json.loads(done.stdout)["rows"]
    assert [row["text"] for row in rows] == texts

    with page.expect_download() as download:
        page.click("#share-python-script [data-csv]")
    script = tmp_path / download.value.suggested_filename
    download.value.save_as(script)
    assert script.name == "steered.py"
    assert script.read_text(encoding="utf-8") == page.get_attribute("#share-python-script [data-copy]", "data-copy")
    alone = subprocess.run(
        [sys.executable, "-I", str(script), str(ORGANISM)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    tokens = [json.loads(found) for found in re.findall(r"^tokens (\[.*\])$", alone.stdout, re.M)]
    assert tokens == [row["token_ids"] for row in rows]

    markdown = page.get_attribute("#share-card [data-copy]", "data-copy")
    for part in ("How can I jinx a kite?", *texts, "−0.600 r", "organism · 12 blocks", command, link):
        assert part in markdown
    with page.expect_download() as download:
        page.click("#share-card a[download]")
    download.value.save_as(SCREENSHOTS / "share-card.png")
    assert (SCREENSHOTS / "share-card.png").read_bytes().startswith(b"\x89PNG")

    page.click("#steer-shared [data-act=close]")
    expect(page.locator("#steer-shared .sp-sharing")).to_have_count(0)


def test_the_panel_fits_a_phone_in_the_dark(visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=390, height=844, dark=True)
    visitor.page.click("#steer-generate")
    visitor.page.wait_for_selector("#steer-command code")
    visitor.page.click("#steer-share")
    expect(visitor.page.locator("#share-card img")).to_be_visible()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot("share-phone-dark")
